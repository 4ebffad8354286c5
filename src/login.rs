//! What a login through the token broker is held to: whose tenant it is for, which answer and which tokens are believed,
//! how long it lasts, where it may lead.
//!
//! Pure. It knows neither manifests nor Keycloak: a tenant is a name and an issuer, and the time is told.

pub mod address;
pub mod brand;
pub mod device;
pub mod domain;
pub mod exchange;
pub mod fault;
pub mod identity;
pub mod lease;
pub mod once;
pub mod origin;
pub mod pending;
pub mod place;
pub mod proof;
pub mod proxy;
pub mod pushed;
pub mod rules;
pub mod session;
pub mod standing;
pub mod target;
pub mod tenant;
pub mod token;

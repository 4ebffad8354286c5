//! What a login through the token broker is held to.
//!
//! Pure. It knows neither manifests nor Keycloak: a tenant is a name and an issuer.

pub mod address;

//! Realmwright turns manifests of a vendor's distributors, resellers and organizations into Keycloak realms, one realm
//! a tenant, and keeps them so.
//!
//! Values in the middle, effects at the rim. Read the modules in this order; each may use those above it only.
//!
//! Pure, without clock, network, files, environment or log:
//!
//! 1. [`diagnostic`]: what is wrong with what people wrote, and where;
//! 2. [`manifest`]: what people write → a `ManifestSet`, and the network of one environment;
//! 3. [`state`]: what realms contain → one `State` for the desired and the observed side;
//! 4. [`template`], [`expand`]: manifests → the desired state;
//! 5. [`authority`]: two sides of a change → what its author may not do;
//! 6. [`plan`]: two states → a `Plan`, and its rendering;
//! 7. [`import`]: realms → the manifests that plan nothing for them.
//!
//! With effects:
//!
//! 8. [`keycloak`]: a server, real or in memory → the observed state;
//! 9. [`apply`]: a plan → an `Outcome`;
//! 10. [`doctor`]: what may go wrong on a server, and what mends it; all but its questions is pure;
//! 11. [`cli`]: the command line, the only place that reads files and the clock, and prints.

pub mod apply;
pub mod authority;
pub mod cli;
pub mod diagnostic;
pub mod doctor;
pub mod expand;
pub mod import;
pub mod keycloak;
pub mod ledger;
pub mod licence;
pub mod manifest;
pub mod plan;
pub mod state;
pub mod template;

//! Realmwright turns manifests of a vendor's distributors, resellers and organizations into Keycloak realms, one realm
//! a tenant, and keeps them so.
//!
//! Values in the middle, effects at the rim. Read the modules in this order; each may use those above it only.
//!
//! Pure, without clock, network, files, environment or log:
//!
//! 1. [`diagnostic`]: what is wrong with what people wrote, and where;
//! 2. [`licence`]: the accounts of the licence tree: commands → events, and every figure;
//! 3. [`seal`]: licences and import tokens as signed files;
//! 4. [`manifest`]: what people write → a `ManifestSet`, and the network of one environment;
//! 5. [`accounting`]: manifests → what the accounts should be, and whether that adds up;
//! 6. [`state`]: what realms contain → one `State` for the desired and the observed side;
//! 7. [`template`], [`expand`]: manifests → the desired state;
//! 8. [`authority`]: two sides of a change → what its author may not do;
//! 9. [`plan`]: two states → a `Plan`, and its rendering;
//! 10. [`import`]: realms → the manifests that plan nothing for them.
//!
//! With effects:
//!
//! 11. [`ledger`]: what happened to the accounts, kept in SQLite or PostgreSQL;
//! 12. [`keycloak`]: a server, real or in memory → the observed state;
//! 13. [`apply`]: a plan → an `Outcome`;
//! 14. [`doctor`]: what may go wrong on a server, and what mends it; all but its questions is pure;
//! 15. [`cli`]: the command line, the only place that reads files and the clock, and prints.

pub mod accounting;
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
pub mod seal;
pub mod state;
pub mod template;

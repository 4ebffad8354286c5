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
//! 4. [`login`]: what a login through the token broker is held to;
//! 5. [`manifest`]: what people write → a `ManifestSet`, and the network of one environment;
//! 6. [`accounting`]: manifests → what the accounts should be, and whether that adds up;
//! 7. [`state`]: what realms contain → one `State` for the desired and the observed side;
//! 8. [`template`], [`expand`]: manifests → the desired state;
//! 9. [`authority`]: two sides of a change → what its author may not do;
//! 10. [`plan`]: two states → a `Plan`, and its rendering;
//! 11. [`import`]: realms → the manifests that plan nothing for them.
//!
//! With effects:
//!
//! 12. [`ledger`]: what happened to the accounts, kept in SQLite or PostgreSQL;
//! 13. [`keycloak`]: a server, real or in memory → the observed state;
//! 14. [`apply`]: a plan → an `Outcome`;
//! 15. [`doctor`]: what may go wrong on a server, and what mends it; all but its questions is pure;
//! 16. [`broker`]: the token broker, a service;
//! 17. [`terminal`]: logins at a terminal;
//! 18. [`cli`]: the command line, the only place that reads files and the clock, and prints.

pub mod accounting;
pub mod apply;
pub mod authority;
pub mod broker;
pub mod cli;
pub mod diagnostic;
pub mod doctor;
pub mod expand;
pub mod import;
pub mod keycloak;
pub mod ledger;
pub mod licence;
pub mod login;
pub mod manifest;
pub mod plan;
pub mod seal;
pub mod state;
pub mod template;
pub mod terminal;

//! A Keycloak in memory.

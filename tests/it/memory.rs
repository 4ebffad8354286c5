//! The contract, kept by the in-memory Keycloak.

use realmwright::keycloak::memory::MemoryKeycloak;

use crate::contract;

macro_rules! on_memory {
    ($($case:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $case() {
            contract::$case(&MemoryKeycloak::new(), "{}", "realm").await;
        })*
    };
}

crate::contract_cases!(on_memory);

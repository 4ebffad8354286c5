//! The contract, kept by the real server.

use crate::{contract, server};

macro_rules! on_the_server {
    ($($case:ident),* $(,)?) => {
        $(#[test]
        fn $case() {
            server::with_realm(stringify!($case), |api, jwks, realm| async move {
                contract::$case(&*api, &jwks, &realm).await;
            });
        })*
    };
}

crate::contract_cases!(on_the_server);

//! Modules of the suite that are about what the broker does not do.

/// Modules, and why they are not tried.
pub const LEFT: &[(&[&str], &str)] = &[
    (
        &[
            "oidcc-client-test-userinfo-bearer-header",
            "oidcc-client-test-userinfo-bearer-body",
            "oidcc-client-test-userinfo-invalid-sub",
            "oidcc-client-test-userinfo-signed",
            "oidcc-client-test-scope-userinfo-claims",
        ],
        "The broker never asks the userinfo endpoint: all that it believes stands in the ID token",
    ),
    (&["oidcc-client-test-client-secret-basic"], "It has no secret: it authenticates by `private_key_jwt`"),
    (&["oidcc-client-test-mtls-endpoint-aliases"], "The module is for clients that authenticate by mutual TLS"),
    (
        &[
            "oidcc-client-test-invalid-athash",
            "oidcc-client-test-missing-athash",
            "oidcc-client-test-invalid-chash",
            "oidcc-client-test-missing-chash",
        ],
        "Codes and tokens beside an ID token of the front channel: it takes none there (hybrid and implicit flows)",
    ),
    (&["oidcc-client-test-form-post-error"], "Answers come in the query: it asks for no other response mode"),
    (
        &["oidcc-client-test-discovery-webfinger-acct", "oidcc-client-test-discovery-webfinger-url"],
        "An issuer is found by the tenant's name, in the manifests, and by nothing that a user types",
    ),
    (&["oidcc-client-test-dynamic-registration"], "Its client is made by `apply`"),
    (
        &["oidcc-client-test-request-uri-signed-rs256", "oidcc-client-test-request-uri-signed-none"],
        "Requests are pushed (RFC 9126), not fetched from an address",
    ),
    (
        &[
            "oidcc-client-test-rp-frontchannel-rpinitlogout",
            "oidcc-client-test-rp-frontchannel-opinitlogout",
            "oidcc-client-test-session-management",
        ],
        "Logout goes by the back channel: frames of other sites get no cookies any more",
    ),
    (
        &[
            "fapi2-security-profile-final-client-test-happy-path-no-dpop-nonce",
            "fapi2-security-profile-final-client-test-rs-dpop-auth-scheme-case-insensitivity",
        ],
        "The broker calls no resource server with the session's token, so it is bound to no key",
    ),
    (
        &[
            "fapi2-security-profile-final-client-test-ensure-jarm-signature-is-not-none",
            "fapi2-security-profile-final-client-test-ensure-jarm-with-expired-exp-fails",
            "fapi2-security-profile-final-client-test-ensure-jarm-with-invalid-aud-fails",
            "fapi2-security-profile-final-client-test-ensure-jarm-with-invalid-iss-fails",
            "fapi2-security-profile-final-client-test-ensure-jarm-with-invalid-sig-fails",
            "fapi2-security-profile-final-client-test-ensure-jarm-without-aud-fails",
            "fapi2-security-profile-final-client-test-ensure-jarm-without-exp-fails",
            "fapi2-security-profile-final-client-test-ensure-jarm-without-iss-fails",
        ],
        "Message signing (JARM) is another profile; answers name their issuer instead (RFC 9207)",
    ),
    (&["fapi2-security-profile-final-client-test-invalid-openbanking-intent-id"], "The module is for banks"),
];

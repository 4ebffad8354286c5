//! Which values are secrets, by their name: the one list that checks, comparison, import and masks go by.

/// Ends of names whose values are secrets wherever a name like this stands, compared without case, dots, dashes and
/// underscores: `clientSecret`, `saml.signing.private.key`, `someApiKey`.
const ENDS: [&str; 10] = [
    "secret",
    "password",
    "passphrase",
    "privatekey",
    "apikey",
    "secretkey",
    "secretrotated",
    "secretdata",
    "bindcredential",
    "registrationaccesstoken",
];

/// Parts of names beside which a text is masked in what is shown of requests: there, too much is better than too little.
const PARTS: [&str; 5] = ["secret", "password", "credential", "privatekey", "passphrase"];

/// Ends of names for the same.
const TOKENS: [&str; 5] = ["token", "assertion", "cookie", "apikey", "authorization"];

/// True when a value of this name is a secret.
pub fn is_secret(name: &str) -> bool {
    let name = plain(name);
    name == "credentials" || ENDS.iter().any(|end| name.ends_with(end))
}

/// True when the path of a field inside a mapping names a secret: `attributes.saml.signing.private.key`.
pub fn is_secret_path(path: &str) -> bool {
    path.split_once('.').is_some_and(|(_, name)| is_secret_setting(name))
}

/// True when a setting of this name is a secret; one that is named after all credentials says which kinds of them.
pub fn is_secret_setting(name: &str) -> bool {
    name != "credentials" && is_secret(name)
}

/// True when a text of this name is masked where requests and answers are shown: every secret, and what may be one.
pub fn is_masked(name: &str) -> bool {
    let kind_of = name.to_lowercase().ends_with("_type");
    let plain = plain(name);
    let may_be = PARTS.iter().any(|part| plain.contains(part)) || TOKENS.iter().any(|end| plain.ends_with(end));
    plain != "passwordpolicy" && !kind_of && (may_be || is_secret(name))
}

fn plain(name: &str) -> String {
    name.to_lowercase().chars().filter(|c| !matches!(c, '.' | '-' | '_')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_settings_about_them() {
        for name in [
            "saml.signing.private.key",
            "saml.encryption.private.key",
            "client.secret.rotated",
            "someApiKey",
            "api_key",
            "recaptcha.secret",
            "secret.key",
            "smtp-password",
        ] {
            assert!(is_secret(name) && is_masked(name), "{name}");
        }
        for name in [
            "client.secret.creation.time",
            "client.secret.rotated.expiration.time",
            "passwordPolicy",
            "actionTokenGeneratedByUserLifespan.reset-credentials",
            "access.token.claim",
            "use.refresh.tokens",
            "client.credentials.use_refresh_token",
            "saml.signing.certificate",
            "usePasswordModifyExtendedOp",
            "secretSize",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}

//! What went wrong with a request: method, path, status and Keycloak's own words.

use std::fmt;

use serde_json::Value;

/// A request that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeycloakError {
    /// HTTP method.
    pub method: &'static str,
    /// Path, without the server's base URL.
    pub path: String,
    /// What happened.
    pub fault: Fault,
}

/// The ways in which a request fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No answer: refused, cut, timed out. Whether it was executed is not known, unless the connection was refused.
    NoAnswer {
        /// What the transport says.
        reason: String,
        /// True when the request can't have reached the server.
        unsent: bool,
    },
    /// An answer with an error status.
    Status {
        /// The HTTP status.
        status: u16,
        /// Keycloak's own words.
        message: String,
    },
    /// An answer of success that can't be what it should be: cut off, not JSON, not complete.
    Broken {
        /// What is wrong with it.
        reason: String,
    },
    /// The server does not accept the key of an account.
    Refused {
        /// The client that was refused.
        client: String,
        /// The realm that it belongs to.
        realm: String,
        /// Keycloak's own words.
        message: String,
        /// Seconds by which the clock here is ahead of the server's, if that could be told.
        clock_skew: Option<i64>,
    },
    /// The server is of a version that is not supported.
    Unsupported {
        /// Which one, and what is.
        reason: String,
    },
    /// The server was prepared with another operator key.
    OtherKey,
    /// Not the realm of a tenant: Keycloak's own, or a name that no realm can have. Nothing was sent.
    NotATenant {
        /// The name.
        realm: String,
    },
    /// Nothing says on which of several servers the realm is. Nothing was sent.
    Unplaced {
        /// The realm.
        realm: String,
    },
    /// A realm of that name is on another server of the environment. None was made.
    Elsewhere {
        /// The name of that server.
        server: String,
    },
    /// Somebody else writes to the realm.
    Held {
        /// Who: the name of the lease's holder.
        holder: String,
    },
    /// The lease of the realm was over before all was written.
    Lapsed,
    /// A secret that a body needs was not read.
    Secret {
        /// The reference.
        reference: String,
    },
}

impl KeycloakError {
    /// Nothing says on which of several servers a realm is.
    pub fn unplaced(realm: &str) -> Self {
        let fault = Fault::Unplaced { realm: realm.to_owned() };
        Self { method: "", path: format!("/admin/realms/{realm}"), fault }
    }

    /// The status, when there was one.
    pub fn status(&self) -> Option<u16> {
        match self.fault {
            Fault::Status { status, .. } => Some(status),
            _ => None,
        }
    }

    /// True when the request may have been executed and its answer was lost on the way.
    pub fn was_lost(&self) -> bool {
        matches!(self.fault, Fault::NoAnswer { unsent: false, .. } | Fault::Status { status: 502 | 504, .. })
    }

    /// True when the request was not carried out: it did not reach the server, or was answered so.
    pub(super) fn was_undone(&self) -> bool {
        matches!(self.fault, Fault::NoAnswer { unsent: true, .. } | Fault::Status { status: 429 | 503, .. })
    }

    /// True when the server answers that this realm is there, and shuts out the account that was to work in it. It says
    /// nothing of other realms.
    pub fn shuts_out(&self) -> bool {
        let of_master = ["/realms/master/", "/admin/realms/master/"].iter().any(|start| self.path.starts_with(start));
        !of_master && matches!(self.fault, Fault::Refused { .. } | Fault::Status { status: 401 | 403, .. })
    }

    /// True when a realm answers that it is disabled, which shuts out its own accounts too.
    pub fn says_disabled(&self) -> bool {
        matches!(&self.fault, Fault::Status { status: 403, message } if message == "Realm not enabled")
    }

    /// A way out, where one is known.
    pub fn hint(&self) -> Option<String> {
        match &self.fault {
            Fault::Refused { message, .. } if message.contains("issued in the future") => {
                Some("the clock here is more than 15 s ahead of the server's: set the clocks right".into())
            }
            Fault::Refused { message, .. } if message.contains("not active") => {
                Some("the clock here is about a minute or more behind the server's: set the clocks right".into())
            }
            Fault::NoAnswer { reason, unsent } => Some(unanswered(reason, *unsent, self.path.ends_with(DISCOVERY)).into()),
            Fault::Status { status: 404, .. } | Fault::Broken { .. } if self.path.ends_with(DISCOVERY) => Some(
                "is this a Keycloak? --server is its base URL: the address of the admin console without `/admin`, with \
                 the path that `http-relative-path` sets"
                    .into(),
            ),
            Fault::Status { status: 400 | 500, .. } if self.method == "GET" && self.path.contains("/users?") => Some(
                "Keycloak asks the realm's user federation (LDAP) as well, and fails where that can't be reached or its \
                 settings are not whole: see to its server, or switch the component off by hand; the server's log says more"
                    .into(),
            ),
            Fault::Status { status: 409, message } if message.contains("same email") => Some(
                "a user of another name has this address, and is not known to be the one that was made here: look who that \
                 is, and give them their name back, or another address; the same command run again goes on"
                    .into(),
            ),
            Fault::Status { status: 429 | 500.., .. } => Some(
                "the server's log says more; the same command run again goes on with what is left".into(),
            ),
            Fault::Refused { clock_skew: Some(skew), .. } if skew.abs() > 10 => Some(format!(
                "the clock here is {} s {} the server's: set the clocks right",
                skew.abs(),
                if *skew > 0 { "ahead of" } else { "behind" }
            )),
            Fault::Refused { realm, .. } if realm == "master" => {
                Some("run `realmwright bootstrap` with this operator key, or give the key that it was run with".into())
            }
            Fault::Refused { client, .. } if client == crate::expand::OBSERVER => Some(
                "the realm has no observer yet, or one with another key: put the public key into the platform's \
                 `observerKey`, and apply that with the operator key"
                    .into(),
            ),
            Fault::Refused { .. } => Some(
                "either somebody changed the provisioner by hand, or the realm was not made by Realmwright, or the \
                 operator key is not the one that it trusts (wrong, or rotated out). Give an administrator's login for \
                 this run: --admin-user, and the password in REALMWRIGHT_ADMIN_PASSWORD; `plan` then shows which, \
                 and `apply` mends or adopts it"
                    .into(),
            ),
            Fault::Held { .. } => Some(
                "let that run end, or stop it: what it leaves behind ends by itself within minutes; the same command again \
                 goes on with what is left"
                    .into(),
            ),
            Fault::Unplaced { .. } => Some("give --server with the name of the server that it is on".into()),
            Fault::Elsewhere { .. } => Some("plan again: a realm never moves by itself (docs/servers.md)".into()),
            Fault::Lapsed => Some("the same command run again goes on with what is left".into()),
            Fault::OtherKey => Some(
                "give that one, and let this one follow it with `realmwright rotate operator-key`; or replace it with \
                 --replace-key, if no realm was made with it"
                    .into(),
            ),
            Fault::Unsupported { .. } => Some(format!(
                "nothing was written; run a version that was tried, {} best; `realmwright doctor` says more",
                super::version::RECOMMENDED
            )),
            Fault::Status { message, .. } if message.contains("Invalid user credentials") => Some(
                "the administrator's name or password is wrong: give --admin-user, and the password in \
                 REALMWRIGHT_ADMIN_PASSWORD"
                    .into(),
            ),
            Fault::Status { .. } if self.says_disabled() => Some(
                "somebody disabled the realm, and it refuses its own provisioner: `realmwright apply --admin-user NAME` \
                 enables it again, with the password of that administrator of master in REALMWRIGHT_ADMIN_PASSWORD"
                    .into(),
            ),
            Fault::Status { status: 403, message } if message == "HTTPS required" => Some(
                "give the server's https address; or, if somebody changed `sslRequired` of the realm by hand, run \
                 `realmwright apply --admin-user NAME`, with the password of that administrator of master in \
                 REALMWRIGHT_ADMIN_PASSWORD"
                    .into(),
            ),
            Fault::Status { status: 401, .. } if self.path.starts_with("/admin/realms/") => Some(
                "the server takes no token of this account: the realm's `notBefore` may be ahead of the clock, or, from \
                 26.8.2 on, the account lacks a client scope; `realmwright doctor` says more"
                    .into(),
            ),
            Fault::Status { status: 403, .. } if self.path.starts_with("/admin/realms/master/") => {
                Some("the account lacks a role for this; `realmwright bootstrap` gives the bootstrap client its roles".into())
            }
            Fault::Status { status: 403, .. } => Some(
                "the account lacks a role for this. If somebody took roles from the provisioner by hand, `realmwright \
                 apply --admin-user NAME` gives them back, with the password of that administrator of master in \
                 REALMWRIGHT_ADMIN_PASSWORD"
                    .into(),
            ),
            _ => None,
        }
    }
}

/// Where a realm says who it is (OpenID Connect Discovery §4).
pub(super) const DISCOVERY: &str = "/.well-known/openid-configuration";

/// A way out where nothing was answered; not even the first request, or one of those after it.
fn unanswered(reason: &str, unsent: bool, first: bool) -> &'static str {
    if reason.contains("certificate not valid for name") {
        "give --server the name that stands in the server's certificate"
    } else if reason.contains("UnknownIssuer") || reason.contains("CaUsedAsEndEntity") {
        "the server's certificate is not trusted here: put the authority that signed it into the system's store, or name \
         its PEM file in the variable SSL_CERT_FILE"
    } else if reason.contains("certificate") {
        "the server's certificate can't be used; `openssl s_client -connect HOST:PORT` shows it"
    } else if reason.contains("InvalidContentType") {
        "the server speaks no TLS at this address: is it http:// instead of https://?"
    } else if first && reason.contains("connection closed") {
        "the server hung up: if it speaks TLS at this address, write https:// instead of http://"
    } else if unsent {
        "is the server running, and is --server its address?"
    } else {
        "it is not known whether the request was carried out; the same command run again finds out, and goes on"
    }
}

impl fmt::Display for KeycloakError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Fault::Unsupported { reason } = &self.fault {
            return f.write_str(reason);
        }
        if let Fault::NotATenant { realm } = &self.fault {
            return write!(f, "`{realm}` is not the realm of a tenant and is never touched (guard `master`)");
        }
        if let Fault::Unplaced { realm } = &self.fault {
            return write!(f, "nothing says on which server the realm `{realm}` is");
        }
        write!(f, "{} {}: ", self.method, self.path)?;
        match &self.fault {
            Fault::Held { holder } => write!(f, "another run writes to this realm: {holder}"),
            Fault::Lapsed => f.write_str("writing took longer than the lease of the realm"),
            Fault::OtherKey => f.write_str("the server was prepared with another operator key"),
            Fault::NoAnswer { reason, .. } => write!(f, "no answer: {reason}"),
            Fault::Status { status, message } => write!(f, "{status} {message}"),
            Fault::Broken { reason } | Fault::Unsupported { reason } => write!(f, "the answer can't be used: {reason}"),
            Fault::Refused { client, realm, message, .. } => {
                write!(f, "the realm `{realm}` does not accept the client `{client}`: {message}")
            }
            Fault::NotATenant { realm } => write!(f, "`{realm}` is not the realm of a tenant"),
            Fault::Unplaced { realm } => write!(f, "`{realm}` is on no server that is known"),
            Fault::Elsewhere { server } => write!(f, "a realm of that name is on the server `{server}`"),
            Fault::Secret { reference } => write!(f, "the secret {reference} was not read"),
        }
    }
}

impl std::error::Error for KeycloakError {}

/// Keycloak's words in an error body: `errorMessage` of the Admin API, `error_description` of OAuth, or the text itself.
pub(crate) fn words(body: &str) -> String {
    if let Ok(Value::Object(map)) = serde_json::from_str(body) {
        let word = |key: &str| map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(text) = word("errorMessage").or_else(|| word("error_description")).or_else(|| word("error")) {
            return text.to_owned();
        }
    }
    let text = body.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { "(no words)".into() } else { text.chars().take(300).collect() }
}

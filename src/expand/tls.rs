//! Where an identity provider may be reached without TLS, by Keycloak's rules.

use std::net::IpAddr;

use url::{Host, Url};

use crate::diagnostic::Diagnostic;
use crate::manifest::node::Node;

/// The URLs of an identity provider that must be https unless the realm says otherwise (measured on 26.7.3: a breach in
/// a realm's creation body is a 500 without a reason).
const SECURED_URLS: [&str; 10] = [
    "authorizationUrl",
    "tokenUrl",
    "userInfoUrl",
    "jwksUrl",
    "logoutUrl",
    "tokenIntrospectionUrl",
    "singleSignOnServiceUrl",
    "singleLogoutServiceUrl",
    "metadataDescriptorUrl",
    "artifactResolutionServiceUrl",
];

/// Checks the URLs of one identity provider in a realm with this `sslRequired`.
pub(super) fn identity_provider(ssl: &str, provider: &Node, found: &mut Vec<Diagnostic>) {
    let alias = provider.get("alias").and_then(Node::text).unwrap_or_default();
    for name in SECURED_URLS {
        let Some(node) = provider.get("config").and_then(|config| config.get(name)) else { continue };
        let Some(text) = node.text().filter(|text| !text.is_empty()) else { continue };
        match Url::parse(text) {
            Err(_) => found.push(Diagnostic::error(
                "wrong-url",
                node.span,
                format!("`{name}` of the identity provider `{alias}` is not a URL"),
            )),
            Ok(url) if url.scheme() != "https" && !plain_http_allowed(ssl, &url) => {
                let message = format!(
                    "`{name}` of the identity provider `{alias}` is not https, but the realm requires TLS (sslRequired: {ssl})"
                );
                found.push(
                    Diagnostic::error("insecure-url", node.span, message)
                        .hint(format!("write {}", text.replacen("http:", "https:", 1))),
                );
            }
            Ok(_) => {}
        }
    }
}

/// Keycloak's rule: `none` allows http everywhere, `external` on this machine and in private networks, `all` nowhere.
fn plain_http_allowed(ssl: &str, url: &Url) -> bool {
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => is_local(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => is_local(IpAddr::V6(ip)),
        None => false,
    };
    match ssl {
        "none" => true,
        "all" => false,
        _ => local,
    }
}

fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        IpAddr::V6(ip) => ip.is_loopback(),
    }
}

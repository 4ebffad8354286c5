//! Where the token broker is reached: the addresses that realms know it by.

use url::Url;

/// What stands for the tenant's name in the host.
const ANY: &str = "*";

/// Where the broker is, for each tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    url: Url,
    /// Scheme and what follows the tenant's name, e.g. `https` and `.app.example:8443`.
    of_tenants: Option<(String, String)>,
}

/// Why addresses can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No origin of the web.
    #[error("this is not an address of the web without a path")]
    NoOrigin,
    /// Plain HTTP, and not on this machine.
    #[error("plain http is for this machine alone: browsers keep the broker's cookies only where nobody listens")]
    Plain,
}

impl Addresses {
    /// The addresses of a broker at `url`, and for tenants that have a host of their own at `tenant_url`, in which `*`
    /// stands for the tenant's name. The error says of which of the two it is.
    pub fn new(url: &str, tenant_url: Option<&str>) -> Result<Self, (&'static str, AddressError)> {
        let of_tenants = |text: &str| {
            let origin = origin(&text.replacen(ANY, "tenant", 1))?;
            let rest = origin.as_str().trim_end_matches('/').split_once("://tenant").map(|(_, rest)| rest.to_owned());
            let rest = rest.filter(|rest| rest.starts_with('.')).ok_or(AddressError::NoOrigin)?;
            Ok((origin.scheme().to_owned(), rest))
        };
        Ok(Self {
            url: origin(url).map_err(|error| ("url", error))?,
            of_tenants: tenant_url.map(of_tenants).transpose().map_err(|error| ("tenantUrl", error))?,
        })
    }

    /// Where everybody finds it.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The origin that a tenant's users are served at.
    pub fn of(&self, tenant: &str) -> Url {
        let own = self.of_tenants.as_ref().filter(|_| is_label(tenant));
        let own = own.and_then(|(scheme, rest)| Url::parse(&format!("{scheme}://{tenant}{rest}")).ok());
        own.unwrap_or_else(|| self.url.clone())
    }

    /// The origins that it is served at, with `*` for the tenants' names.
    pub fn origins(&self) -> Vec<String> {
        let own = self.url.origin().ascii_serialization();
        let of_tenants = self.of_tenants.as_ref().map(|(scheme, rest)| format!("{scheme}://*{rest}"));
        std::iter::once(own).chain(of_tenants).collect()
    }

    /// The name that a host stands for, if tenants have hosts of their own and it is one of those.
    pub fn tenant_at<'a>(&self, host: &'a str) -> Option<&'a str> {
        let (_, rest) = self.of_tenants.as_ref()?;
        host.strip_suffix(rest.as_str()).filter(|name| is_label(name))
    }

    /// Where a tenant's users come back to after a login; no other tenant's do.
    pub fn callback(&self, tenant: &str) -> Url {
        self.below(tenant, "callback")
    }

    /// Where the tenant's realm says that a session has ended.
    pub fn backchannel_logout(&self, tenant: &str) -> Url {
        self.below(tenant, "backchannel-logout")
    }

    /// Where a browser is sent that has logged out.
    pub fn signed_out(&self, tenant: &str) -> Url {
        self.below(tenant, "signed-out")
    }

    /// Where a tenant's users log in.
    pub fn entry(&self, tenant: &str) -> Url {
        self.below(tenant, "")
    }

    fn below(&self, tenant: &str, what: &str) -> Url {
        let mut url = self.of(tenant);
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().push("t").push(tenant);
            if !what.is_empty() {
                path.push(what);
            }
        }
        url
    }
}

/// An address that is scheme, host and port alone.
fn origin(text: &str) -> Result<Url, AddressError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.path() == "/");
    let url = url.filter(|url| url.username().is_empty() && url.password().is_none());
    let url = url.filter(|url| url.query().is_none() && url.fragment().is_none()).ok_or(AddressError::NoOrigin)?;
    match url.scheme() == "https" || is_loopback(&url) {
        true => Ok(url),
        false => Err(AddressError::Plain),
    }
}

/// Whether an address is of this machine, which browsers trust without TLS.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a name can be a part of a host name as it is (RFC 1123). Punycode is none: such a host would show as another.
fn is_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let edges = !name.starts_with('-') && !name.ends_with('-') && !name.starts_with("xn--");
    (1..=63).contains(&name.len()) && name.bytes().all(inner) && edges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme() -> Addresses {
        Addresses::new("https://login.example.com", Some("https://*.app.example.com:8443")).expect("good")
    }

    #[test]
    fn each_tenant_has_a_callback_of_its_own() {
        let there = acme();
        assert_eq!(there.callback("acme").as_str(), "https://acme.app.example.com:8443/t/acme/callback");
        assert_eq!(there.callback("Über uns").as_str(), "https://login.example.com/t/%C3%9Cber%20uns/callback");
        assert_eq!(there.callback("..").as_str(), "https://login.example.com/t/callback", "no realm is called so");
        assert_eq!(there.entry("a_b").as_str(), "https://login.example.com/t/a_b");
    }

    #[test]
    fn a_host_stands_for_one_name() {
        let there = acme();
        assert_eq!(there.tenant_at("acme.app.example.com:8443"), Some("acme"));
        for host in [
            "acme.app.example.com",
            "login.example.com",
            "a.b.app.example.com:8443",
            ".app.example.com:8443",
            "ACME.app.example.com:8443",
            "acme.app.example.com:8443.",
            "xn--bcher-kva.app.example.com:8443",
        ] {
            assert_eq!(there.tenant_at(host), None, "{host}");
        }
    }

    #[test]
    fn addresses_that_can_not_be_are_refused() {
        let refused = |url: &str, tenants: Option<&str>| Addresses::new(url, tenants).unwrap_err();
        assert_eq!(refused("http://login.example.com", None), ("url", AddressError::Plain));
        assert_eq!(refused("https://login.example.com/x", None), ("url", AddressError::NoOrigin));
        assert_eq!(refused("https://me@login.example.com", None), ("url", AddressError::NoOrigin));
        let tenants = |text| refused("http://127.0.0.1:9000", Some(text));
        assert_eq!(tenants("http://*.app.example.com"), ("tenantUrl", AddressError::Plain));
        assert_eq!(tenants("https://*app.example.com"), ("tenantUrl", AddressError::NoOrigin));
        assert!(Addresses::new("http://localhost:9000", Some("http://*.localhost:9000")).is_ok());
    }
}

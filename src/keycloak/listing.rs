//! Listings: read whole, and never taken for empty when they are not lists.

use serde_json::Value;

use super::{Fault, KeycloakError, ReadRealms};

/// How many are asked for at a time.
const PAGE: usize = 500;

/// A listing; an answer that is no list is broken, not empty.
pub(crate) async fn list(api: &impl ReadRealms, realm: &str, path: &str) -> Result<Vec<Value>, KeycloakError> {
    match api.get(realm, path).await? {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => {
            let fault = Fault::Broken { reason: "it is not a list".into() };
            Err(KeycloakError { method: "GET", path: format!("/admin/realms/{realm}/{path}"), fault })
        }
    }
}

/// A whole listing, page by page.
pub(crate) async fn pages(api: &impl ReadRealms, realm: &str, path: &str) -> Result<Vec<Value>, KeycloakError> {
    let mut all = Vec::new();
    loop {
        let sign = if path.contains('?') { '&' } else { '?' };
        let page = list(api, realm, &format!("{path}{sign}first={}&max={PAGE}", all.len())).await?;
        let last = page.len() < PAGE;
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}

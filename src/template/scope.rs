//! The values that a template may name, gathered from a tenant's manifest: `tenant`, `parameters`, `brand`, `admin`, `users`,
//! `licences` and `products`.

use serde_json::{Value, json};

use super::Template;
use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::login::brand::Colour;
use crate::manifest::document::{Parameter, ParameterType, Product, User};
use crate::manifest::node::{Data, Key, Node};
use crate::manifest::resolve::{Network, Tenant};
use crate::manifest::{Source, directory};
use crate::state::secret::reference;

/// The scope of one tenant; faults of its parameters are added to `found`.
pub fn scope(
    network: &Network,
    tenant: &Tenant,
    template: &Template,
    sources: &[Source],
    found: &mut Vec<Diagnostic>,
) -> Node {
    let span = tenant.span;
    let mut entries = vec![
        ("tenant", about(network, tenant)),
        ("parameters", parameters(tenant, template, sources, found)),
        ("licences", licences(tenant)),
        ("grants", grants(tenant)),
        ("products", products(network, tenant)),
        ("users", users(tenant, sources)),
    ];
    entries.extend(brand(tenant).map(|brand| ("brand", brand)));
    if let Some(admin) = tenant.node.get("admin") {
        let mut admin = admin.clone();
        if let (None, Some(email)) = (admin.get("username"), admin.get("email").cloned()) {
            let name = email.text().unwrap_or_default().to_lowercase();
            put(&mut admin, "username", Node::scalar(name, email.span));
        }
        entries.push(("admin", admin));
    }
    map(entries, span)
}

fn map(entries: Vec<(&str, Node)>, span: Span) -> Node {
    let entries = entries.into_iter().map(|(text, node)| (Key { text: text.into(), span: node.span }, node)).collect();
    Node { data: Data::Map(entries), span }
}

fn put(node: &mut Node, key: &str, value: Node) {
    if let Data::Map(entries) = &mut node.data {
        entries.retain(|(k, _)| k.text != key);
        entries.push((Key { text: key.into(), span: value.span }, value));
    }
}

fn about(network: &Network, tenant: &Tenant) -> Node {
    let label = tenant.node.get("label").map_or(tenant.span, |label| label.span);
    let text = |value: &str, span| Node::scalar(value, span);
    let mut entries = vec![
        ("name", text(&tenant.name, tenant.span)),
        ("label", text(tenant.label(), label)),
        ("tier", text(&tenant.tier.to_string(), tenant.span)),
        ("distributor", text(tenant.distributor(), tenant.span)),
        ("environment", text(&network.environment, tenant.span)),
    ];
    entries.extend(tenant.path.last().map(|parent| ("parent", text(parent, tenant.span))));
    map(entries, tenant.span)
}

/// Its brand, if it has one, with the colour of what is written on the colour.
fn brand(tenant: &Tenant) -> Option<Node> {
    let mut brand = Some(tenant.brand.clone()).filter(|brand| !brand.entries().is_empty())?;
    let primary = brand.get("primary").and_then(|primary| Some((Colour::parse(primary.text()?)?, primary.span)));
    if let Some((colour, span)) = primary {
        put(&mut brand, "onPrimary", Node::scalar(colour.text().to_string(), span));
    }
    Some(brand)
}

/// Licences with the defaults that the document types give.
fn licences(tenant: &Tenant) -> Node {
    let Some(written) = tenant.node.get("licences") else {
        return Node { data: Data::List(Vec::new()), span: tenant.span };
    };
    let items = written.items().iter().map(|item| {
        let mut item = item.clone();
        if item.get("autoRenew").is_none() {
            let span = item.span;
            put(&mut item, "autoRenew", Node::scalar(false, span));
        }
        item
    });
    Node { data: Data::List(items.collect()), span: written.span }
}

/// What its parent grants it, as a list of `resource` and `amount`.
fn grants(tenant: &Tenant) -> Node {
    let written = tenant.node.get("grants");
    let items = written.map(Node::entries).unwrap_or_default().iter().map(|(resource, amount)| {
        let entries =
            vec![("resource", Node::scalar(resource.text.as_str(), resource.span)), ("amount", amount.clone())];
        map(entries, resource.span)
    });
    Node { data: Data::List(items.collect()), span: written.map_or(tenant.span, |written| written.span) }
}

fn products(network: &Network, tenant: &Tenant) -> Node {
    let items = tenant.products().into_iter().filter_map(|name| {
        let product: &Product = network.products.get(name)?;
        let value = json!({
            "name": name,
            "label": product.label.as_deref().unwrap_or(name),
            "redirectUris": product.redirect_uris.clone().unwrap_or_default(),
            "webOrigins": product.web_origins.clone().unwrap_or_default(),
            "baseUrl": product.base_url,
            "roles": product.roles.clone().unwrap_or_default(),
            "named": product.concurrent.is_none(),
        });
        let licences = tenant.node.get("licences").map(Node::items).unwrap_or_default();
        let licensed = licences.iter().filter_map(|licence| licence.get("product")).find(|p| p.text() == Some(name));
        let granted = || tenant.node.get("grants").map_or(tenant.span, |grants| grants.key_span(name));
        let mut node = Node::from_value(&value, licensed.map_or_else(granted, |product| product.span));
        if let Data::Map(entries) = &mut node.data {
            entries.retain(|(_, value)| value.data != Data::Scalar(Value::Null));
            // Where the platform says it, the place is the platform's.
            let written = network.product_nodes.get(name);
            for (key, value) in entries {
                if let Some(written) = written.and_then(|node| node.get(&key.text)) {
                    value.span = written.span;
                    if written.to_value() == value.to_value() {
                        *value = written.clone();
                    }
                }
            }
        }
        Some(node)
    });
    Node { data: Data::List(items.collect()), span: tenant.span }
}

/// Users with their roles split into `realmRoles` and `clientRoles`, and their password as a reference.
fn users(tenant: &Tenant, sources: &[Source]) -> Node {
    let written = tenant.node.get("users");
    let items = written.map(Node::items).unwrap_or_default().iter().zip(&tenant.settings.users).map(
        |(node, user): (&Node, &User)| {
            let mut node = node.clone();
            let at = node.get("roles").map_or(node.span, |roles| roles.span);
            let mut realm_roles = Vec::new();
            let mut client_roles = serde_json::Map::new();
            for role in &user.roles {
                match role.rsplit_once('/') {
                    None => realm_roles.push(Value::from(role.as_str())),
                    Some((client, role)) => {
                        if let Some(list) = client_roles.entry(client).or_insert_with(|| json!([])).as_array_mut() {
                            list.push(role.into());
                        }
                    }
                }
            }
            put(&mut node, "realmRoles", Node::from_value(&Value::Array(realm_roles), at));
            put(&mut node, "clientRoles", Node::from_value(&Value::Object(client_roles), at));
            if let Some(password) = node.get("password").cloned() {
                put(&mut node, "password", secret(&password, sources));
            }
            node
        },
    );
    Node { data: Data::List(items.collect()), span: written.map_or(tenant.span, |w| w.span) }
}

/// `{"$secret": "env:NAME"}` or `{"$secret": "file:PATH"}`, the path relative to the manifest directory.
fn secret(written: &Node, sources: &[Source]) -> Node {
    let text = written.text().unwrap_or_default();
    let home = sources.get(written.span.source as usize).map_or("", |source| directory(&source.name));
    let text = match text.strip_prefix("file:") {
        Some(path) if !path.starts_with('/') => format!("file:{home}{path}"),
        _ => text.to_owned(),
    };
    Node::from_value(&reference(&text), written.span)
}

fn parameters(tenant: &Tenant, template: &Template, sources: &[Source], found: &mut Vec<Diagnostic>) -> Node {
    let given = tenant.node.get("parameters");
    for (key, _) in given.map(Node::entries).unwrap_or_default() {
        if !template.parameters.iter().any(|(known, _)| known.text == key.text) {
            let known = || template.parameters.iter().map(|(known, _)| known.text.as_str());
            let hint = did_you_mean(&key.text, known())
                .unwrap_or_else(|| format!("its parameters are {}", known().collect::<Vec<_>>().join(", ")));
            let message = format!("the template `{}` has no parameter `{}`", template.name, key.text);
            found.push(Diagnostic::error("unknown-parameter", key.span, message).hint(hint));
        }
    }
    let mut entries = Vec::new();
    for (key, parameter) in &template.parameters {
        let value = given.and_then(|given| given.get(&key.text)).cloned();
        let value = value.or_else(|| parameter.default.as_ref().map(|default| Node::from_value(default, key.span)));
        let Some(value) = value else {
            let message =
                format!("`{}` must give the parameter `{}` of the template `{}`", tenant.name, key.text, template.name);
            found.push(Diagnostic::error("missing-parameter", tenant.span, message));
            continue;
        };
        match refused(parameter, &value.to_value()) {
            Some(wanted) => {
                let message = format!("parameter `{}` must be {wanted}, not {}", key.text, value.to_value());
                found.push(Diagnostic::error("wrong-parameter", value.span, message));
            }
            None if parameter.parameter_type == ParameterType::Secret => {
                entries.push((key.clone(), secret(&value, sources)))
            }
            None => entries.push((key.clone(), value)),
        }
    }
    Node { data: Data::Map(entries), span: tenant.span }
}

/// What a parameter wants, when the value is not that.
fn refused(parameter: &Parameter, value: &Value) -> Option<String> {
    if let Some(allowed) = parameter.allowed.as_ref().filter(|allowed| !allowed.contains(value)) {
        return Some(format!("one of {}", Value::Array(allowed.clone())));
    }
    let (fits, wanted) = match parameter.parameter_type {
        ParameterType::String => (value.is_string(), "a text"),
        ParameterType::Integer => (value.is_i64() || value.is_u64(), "a whole number"),
        ParameterType::Boolean => (value.is_boolean(), "true or false"),
        ParameterType::List => {
            (value.as_array().is_some_and(|list| list.iter().all(Value::is_string)), "a list of texts")
        }
        ParameterType::Url => (value.as_str().is_some_and(is_url), "an absolute http or https URL"),
        ParameterType::Secret => (
            value.as_str().is_some_and(|text| text.starts_with("env:") || text.starts_with("file:")),
            "a reference to a secret, `env:NAME` or `file:PATH`",
        ),
    };
    if !fits {
        return Some(wanted.into());
    }
    let number = value.as_i64();
    match (parameter.minimum, parameter.maximum) {
        (Some(least), _) if number.is_some_and(|n| n < least) => Some(format!("at least {least}")),
        (_, Some(most)) if number.is_some_and(|n| n > most) => Some(format!("at most {most}")),
        _ => None,
    }
}

fn is_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

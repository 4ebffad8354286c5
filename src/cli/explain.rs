//! `realmwright explain`

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::args::{Format, Target};
use super::exit::{Exit, UsageError};
use super::output::Printer;
use super::session::{self, Manifests};
use super::{excerpt, secrets, servers};
use crate::diagnostic::{Span, did_you_mean, passable};
use crate::expand::origin::{Origin, Origins, origins};
use crate::expand::{Desired, expand};
use crate::keycloak::http::Server;
use crate::keycloak::observe;
use crate::keycloak::observe::declared_users;
use crate::manifest::Source;
use crate::manifest::resolve::{Network, Tenant, resolve};
use crate::plan::explain::{Explained, explain};
use crate::state::{Kind, ObjectId, RealmState};

/// `explain`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// What to explain: a tenant (`clinic`), an object of it (`clinic/client/assistant`), or one field
    /// (`clinic/client/assistant#redirectUris`)
    address: String,
    /// Directory with the manifests
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where and as whom.
    #[command(flatten)]
    target: Target,
    /// Look at the manifests alone, although a server and a key are given
    #[arg(long)]
    offline: bool,
    /// How to print it
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
}

/// Says of each value of an object where it comes from. Writes nothing.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let mut manifests = session::read(printer, &options.dir)?;
    let Manifests { sources, set, found, .. } = &mut manifests;
    let environment = session::environment(set, options.target.environment.as_deref())?;
    let mut network = resolve(set, &environment, found);
    if !options.offline && passable(found) {
        servers::recorded(&mut network, &options.dir, None).await?;
    }
    let (tenant, object, field) = find(&network, &options.address)?;
    let key = match options.offline {
        true => None,
        false => secrets::operator_key(options.target.operator_key.as_deref()).ok(),
    };
    let sets = key.as_ref().map(secrets::public_keys).transpose()?;
    let desired = expand(set, sources, &network, secrets::trusted(sets.as_ref()), found);
    let origins = origins(set, sources, &network, tenant);
    manifests.report(printer)?;
    let Some(desired) = desired.iter().find(|desired| desired.name == tenant.name) else { return Ok(Exit::Failed) };
    let server = match key {
        Some(key) => match session::url_of(&options.target, &network, &tenant.name) {
            Ok(url) => Some((Server::connect(&url, key, session::trace(printer, [])).await, url)),
            Err(_) => None,
        },
        None => None,
    };
    let observed = match server {
        Some((server, url)) => look(printer, server, &url, desired).await?,
        None => {
            printer.say("offline: the server is not looked at");
            None
        }
    };
    let text = Shown { manifests: &manifests, tenant: &tenant.name, origins: &origins };
    match object {
        None => text.tenant(printer, desired, options.format)?,
        Some(id) => {
            let observed = observed.as_ref().map(Option::as_ref);
            let explained = explain(desired, observed, &id, field.as_deref());
            if explained.fields.is_empty() {
                return Err(unknown(desired, observed.flatten(), &id, field.as_deref()).into());
            }
            text.object(printer, &explained, options.format)?;
        }
    }
    Ok(Exit::Done)
}

/// The realm as it is (none: it does not exist); nothing at all when the server can't be reached, which is said.
async fn look(
    printer: &Printer,
    server: Result<Server, crate::keycloak::KeycloakError>,
    url: &str,
    desired: &Desired,
) -> anyhow::Result<Option<Option<RealmState>>> {
    match server {
        Ok(server) => Ok(Some(observe(&server, &desired.name, &declared_users(&desired.state)).await?)),
        Err(error) => {
            printer.say(&format!("offline: {url} can't be asked: {error}"));
            Ok(None)
        }
    }
}

type Address<'a> = (&'a Tenant, Option<ObjectId>, Option<String>);

/// The tenant, the object and the field of an address.
fn find<'a>(network: &'a Network, address: &str) -> Result<Address<'a>, UsageError> {
    let (address, field) = match address.rsplit_once('#') {
        Some((address, field)) => (address, Some(field.to_owned())),
        None => (address, None),
    };
    let parts: Vec<&str> = address.split('/').collect();
    let begin = parts.iter().skip(1).position(|part| Kind::from_name(part).is_some()).map_or(parts.len(), |at| at + 1);
    let (path, object) = parts.split_at(begin);
    let matches = |tenant: &&Tenant| match path {
        [name] => tenant.name == *name,
        path => tenant.path.iter().chain([&tenant.name]).map(String::as_str).eq(path.iter().copied()),
    };
    let Some(tenant) = network.tenants.iter().find(matches) else {
        let known = || network.tenants.iter().map(|tenant| tenant.name.as_str());
        let mut strange =
            parts.iter().filter(|part| Kind::from_name(part).is_none() && !known().any(|name| name == **part));
        // The first part is a tenant's name, never a kind.
        let kind = |part: &str| if part == parts[0] { None } else { did_you_mean(part, Kind::names()) };
        let near = |part: &&str| did_you_mean(part, known()).or_else(|| kind(part));
        let hint = strange.find_map(near);
        let message = format!("there is no tenant `{}` in {}", path.join("/"), network.environment);
        return Err(UsageError { message, hint });
    };
    let object = if object.is_empty() { None } else { object.join("/").parse().ok() };
    Ok((tenant, object.or(field.is_some().then(ObjectId::realm)), field))
}

fn unknown(desired: &Desired, observed: Option<&RealmState>, id: &ObjectId, field: Option<&str>) -> UsageError {
    let objects = desired.state.objects.iter().chain(observed.into_iter().flat_map(|state| &state.objects));
    let objects: Vec<_> = objects.collect();
    if let (Some(field), true) = (field, objects.iter().any(|(known, _)| *known == id)) {
        let paths = objects.iter().filter(|(known, _)| *known == id).flat_map(|(_, object)| object.fields.keys());
        let hint = did_you_mean(field, paths.map(String::as_str));
        return UsageError { message: format!("{}/{id} has no field `{field}`", desired.name), hint };
    }
    let known: Vec<String> = objects.iter().map(|(id, _)| id.to_string()).collect();
    let hint = did_you_mean(&id.to_string(), known.iter().map(String::as_str));
    let hint = hint.or_else(|| Some(format!("`realmwright explain {}` lists what there is", desired.name)));
    UsageError { message: format!("`{}` has no {id}", desired.name), hint }
}

/// What explanations are made of, beside the values.
struct Shown<'a> {
    manifests: &'a Manifests,
    tenant: &'a str,
    origins: &'a Origins,
}

impl Shown<'_> {
    fn place(&self, span: Span) -> String {
        let source: Option<&Source> = self.manifests.sources.get(span.source as usize);
        source
            .map_or_else(String::new, |source| format!("{}:{}", excerpt::path(&self.manifests.dir, source), span.line))
    }

    fn of(&self, id: &ObjectId, path: &str) -> &[Origin] {
        self.origins.get(id).and_then(|fields| fields.get(path)).map_or(&[], Vec::as_slice)
    }

    /// The objects of a tenant, and the sources that each is made from.
    fn tenant(&self, printer: &Printer, desired: &Desired, format: Format) -> anyhow::Result<()> {
        let rows = desired.state.objects.keys().map(|id| {
            let origins = self.origins.get(id).into_iter().flat_map(|fields| fields.values().flatten());
            let mut places: Vec<String> = origins
                .flat_map(|origin| [Some(origin.written), origin.through.as_ref().map(|(span, _)| *span)])
                .flatten()
                .filter_map(|span| self.manifests.sources.get(span.source as usize))
                .map(|source| excerpt::path(&self.manifests.dir, source))
                .collect();
            places.sort();
            places.dedup();
            (format!("{}/{id}", self.tenant), places)
        });
        let rows: Vec<(String, Vec<String>)> = rows.collect();
        if format == Format::Json {
            let rows: Vec<Value> =
                rows.iter().map(|(address, sources)| json!({"address": address, "sources": sources})).collect();
            printer.data(&(serde_json::to_string_pretty(&rows)? + "\n"));
            return Ok(());
        }
        let width = rows.iter().map(|(address, _)| address.chars().count()).max().unwrap_or(0);
        let line = |(address, places): &(String, Vec<String>)| {
            let places = if places.is_empty() { TOOL.to_owned() } else { places.join(", ") };
            format!("{address:width$}  {places}\n")
        };
        printer.data(&rows.iter().map(line).collect::<String>());
        Ok(())
    }

    fn object(&self, printer: &Printer, explained: &Explained, format: Format) -> anyhow::Result<()> {
        if format == Format::Json {
            printer.data(&(serde_json::to_string_pretty(&self.json(explained))? + "\n"));
            return Ok(());
        }
        let whose =
            if explained.foreign { "  (foreign: others put it there; listed by plans, and left alone)" } else { "" };
        let mut out = format!("{}/{}{whose}\n", self.tenant, explained.object);
        for field in &explained.fields {
            out.push_str(&format!("  {} = {}\n", field.path, field.shown()));
            let mut origins = self.of(&explained.object, &field.path).iter().rev();
            match origins.next() {
                Some(origin) => {
                    out.push_str(&format!("      {}  {}\n", self.place(origin.written), origin.what));
                    if let Some((span, what)) = &origin.through {
                        out.push_str(&format!("      through {}  {what}\n", self.place(*span)));
                    }
                }
                None if field.value.is_some() => out.push_str(&format!("      {TOOL}\n")),
                None => {}
            }
            for origin in origins {
                out.push_str(&format!("      instead of {}  {}\n", self.place(origin.written), origin.what));
            }
            out.extend(field.on_server().map(|text| format!("      on the server: {text}\n")));
        }
        printer.data(&out);
        Ok(())
    }

    fn json(&self, explained: &Explained) -> Value {
        let fields = explained.fields.iter().map(|field| {
            let origins = self.of(&explained.object, &field.path).iter().rev().map(|origin| {
                let through = origin.through.as_ref();
                json!({
                    "place": self.place(origin.written),
                    "what": origin.what,
                    "through": through.map(|(span, what)| json!({"place": self.place(*span), "what": what})),
                })
            });
            json!({
                "path": field.path,
                "value": field.value,
                "origins": origins.collect::<Vec<Value>>(),
                "server": field.server.as_ref().map(|_| json!({"value": field.found(), "says": field.on_server()})),
            })
        });
        json!({
            "address": format!("{}/{}", self.tenant, explained.object),
            "foreign": explained.foreign,
            "fields": fields.collect::<Vec<Value>>(),
        })
    }
}

/// Who says what no manifest and no template says.
const TOOL: &str = "Realmwright itself";

//! What the platform's guards allow: the limits that people write, the protection of objects, and what is in force in
//! one environment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ManifestSet;
use super::node::Node;
use crate::diagnostic::Span;

/// Limits of the guards. What is left out has its default; `realmwright guards` shows what is in force.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Guards {
    /// Limits for the changes of one realm.
    pub realm: Option<Thresholds>,
    /// Limits for the changes of a distributor's whole branch, its own realm included.
    pub distributor: Option<Thresholds>,
    /// Limits for the changes of one run.
    pub run: Option<Thresholds>,
    /// Days for which a tenant stays in quarantine before its realm may be deleted. Default: 30.
    #[schemars(range(max = 3650))]
    pub retention_days: Option<u32>,
}

/// Limits for two kinds of change.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Thresholds {
    /// Objects that are deleted.
    pub deletions: Option<Threshold>,
    /// Objects that are updated.
    pub updates: Option<Threshold>,
}

/// How many objects may change without being asked for by name. More than either limit is refused.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Threshold {
    /// Greatest share of the managed objects, in percent. Default: 30.
    #[schemars(range(max = 100))]
    pub share: Option<u32>,
    /// Greatest number. Default: of deletions 25 in a realm, 100 in a distributor's branch and 250 in a run; of updates any.
    pub number: Option<u32>,
    /// From how many managed objects on the share counts. Default: 10 in a realm, 100 in a branch or a run.
    pub from: Option<u32>,
}

/// What is protected: `true` for the tenant and everything in its realm, or a list of object addresses, e.g.
/// `[client/assistant, role/*]`, of which `realm` is the tenant itself. Nothing protected is deleted or replaced, and a
/// protected tenant is neither quarantined nor destroyed; updates pass.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Protected {
    /// Everything, or nothing.
    All(bool),
    /// The objects of these addresses; `*` stands for any text.
    Some(Vec<String>),
}

impl JsonSchema for Protected {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Protected".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": ["boolean", "array"], "items": {"type": "string", "pattern": ADDRESS}})
    }
}

/// What a pattern of addresses looks like.
pub const ADDRESS: &str = r"^(\*|realm|[a-z-]+/\S.*)$";

impl Protected {
    /// The patterns of addresses that it stands for.
    pub fn patterns(&self) -> Vec<String> {
        match self {
            Self::All(true) => vec!["*".into()],
            Self::All(false) => Vec::new(),
            Self::Some(patterns) => patterns.clone(),
        }
    }
}

/// Whose changes are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// One realm.
    Realm,
    /// A distributor's branch.
    Distributor,
    /// All of a run.
    Run,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Counted {
    /// Objects that are deleted.
    Deletions,
    /// Objects that are updated.
    Updates,
}

/// A value in force, and where it is written; without a place it is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub span: Option<Span>,
}

/// One threshold in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Whose changes.
    pub scope: Scope,
    /// Which changes.
    pub counted: Counted,
    /// Greatest share in percent.
    pub share: Setting<u32>,
    /// Greatest number; none: any.
    pub number: Setting<Option<u32>>,
    /// From how many objects on the share counts.
    pub from: Setting<u32>,
}

/// What is in force in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The thresholds.
    pub thresholds: Vec<Limit>,
    /// Days of quarantine before a realm may be deleted.
    pub retention_days: Setting<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        limits_of(&[])
    }
}

/// Greatest share, in percent.
const SHARE: u32 = 30;

/// Days of quarantine.
const RETENTION_DAYS: u32 = 30;

/// The limits of an environment: its own before the platform's before the defaults.
pub fn limits(set: &ManifestSet, environment: &str) -> Limits {
    let platform = set.platform_node.get("guards");
    let own = set.platform_node.get("environments").and_then(|all| all.get(environment)?.get("guards"));
    limits_of(&[own, platform].into_iter().flatten().collect::<Vec<_>>())
}

fn limits_of(layers: &[&Node]) -> Limits {
    let find = |path: &[&str]| -> Option<(u32, Span)> {
        layers.iter().find_map(|layer| {
            let node = path.iter().try_fold(*layer, |node, step| node.get(step))?;
            Some((u32::try_from(node.to_value().as_u64()?).ok()?, node.span))
        })
    };
    let setting = |path: &[&str], default: u32| match find(path) {
        Some((value, span)) => Setting { value, span: Some(span) },
        None => Setting { value: default, span: None },
    };
    let mut thresholds = Vec::new();
    for (scope, name, from, deletions) in
        [(Scope::Realm, "realm", 10, 25), (Scope::Distributor, "distributor", 100, 100), (Scope::Run, "run", 100, 250)]
    {
        for (counted, what, number) in
            [(Counted::Deletions, "deletions", Some(deletions)), (Counted::Updates, "updates", None)]
        {
            let number = match find(&[name, what, "number"]) {
                Some((value, span)) => Setting { value: Some(value), span: Some(span) },
                None => Setting { value: number, span: None },
            };
            thresholds.push(Limit {
                scope,
                counted,
                share: setting(&[name, what, "share"], SHARE),
                number,
                from: setting(&[name, what, "from"], from),
            });
        }
    }
    Limits { thresholds, retention_days: setting(&["retentionDays"], RETENTION_DAYS) }
}

/// Limits as a document of the manifest would give them, for tests and tools.
impl From<&Value> for Limits {
    fn from(guards: &Value) -> Self {
        limits_of(&[&Node::from_value(guards, Span::default())])
    }
}

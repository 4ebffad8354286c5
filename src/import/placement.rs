//! Where realms stand in the tree: below one distributor, or as a list says.

use std::collections::BTreeMap;

use crate::diagnostic::did_you_mean;
use crate::manifest::Tier;

/// Columns of the list.
const COLUMNS: [&str; 4] = ["realm", "tier", "parent", "label"];

/// Where one realm stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its tier.
    pub tier: Tier,
    /// The organization above it; none for a distributor.
    pub parent: Option<String>,
    /// What it is called, if not as the realm says.
    pub label: Option<String>,
}

/// What is wrong with a list, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongList {
    /// One sentence.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// Where all stand.
#[derive(Debug, Clone)]
pub struct Placement {
    /// The distributor of realms that the list does not name.
    distributor: String,
    listed: BTreeMap<String, Place>,
}

impl Placement {
    /// All below one distributor.
    pub fn below(distributor: &str) -> Self {
        Self { distributor: distributor.to_owned(), listed: BTreeMap::new() }
    }

    /// As a list says: CSV with the columns `realm`, `tier`, `parent` and `label`.
    pub fn listed(mut self, text: &str) -> Result<Self, WrongList> {
        let wrong = |message: String, hint: &str| WrongList { message, hint: hint.to_owned() };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
        let header = reader
            .headers()
            .cloned()
            .map_err(|error| wrong(error.to_string(), "it begins with realm,tier,parent,label"))?;
        if let Some(unknown) = header.iter().find(|name| !COLUMNS.contains(name)) {
            let hint = did_you_mean(unknown, COLUMNS)
                .unwrap_or_else(|| "the columns are realm, tier, parent and label".into());
            return Err(wrong(format!("`{unknown}` is not a column of the list of realms"), &hint));
        }
        if !header.iter().any(|name| name == "realm") {
            return Err(wrong(
                "the list of realms needs a column `realm`".into(),
                "it begins with realm,tier,parent,label",
            ));
        }
        for record in reader.records() {
            let record =
                record.map_err(|error| wrong(error.to_string(), "put fields that contain a comma in double quotes"))?;
            let cell = |name: &str| {
                let at = header.iter().position(|column| column == name)?;
                record.get(at).filter(|text| !text.is_empty()).map(str::to_owned)
            };
            let Some(realm) = cell("realm") else { continue };
            let tier = match cell("tier").as_deref() {
                Some("distributor") => Tier::Distributor,
                Some("reseller") => Tier::Reseller,
                None | Some("organization") => Tier::Organization,
                Some(other) => {
                    return Err(wrong(
                        format!("`{other}` is not a tier, in the row of `{realm}`"),
                        "the tiers are distributor, reseller and organization",
                    ));
                }
            };
            let parent = match tier {
                Tier::Distributor => None,
                _ => Some(cell("parent").unwrap_or_else(|| self.distributor.clone())),
            };
            self.listed.insert(realm, Place { tier, parent, label: cell("label") });
        }
        Ok(self)
    }

    /// Where a realm stands.
    pub fn of(&self, realm: &str) -> Place {
        let usual = || match realm == self.distributor {
            true => Place { tier: Tier::Distributor, parent: None, label: None },
            false => Place { tier: Tier::Organization, parent: Some(self.distributor.clone()), label: None },
        };
        self.listed.get(realm).cloned().unwrap_or_else(usual)
    }

    /// The distributor whose branch a realm is in.
    pub fn root(&self, realm: &str) -> String {
        let mut at = realm.to_owned();
        for _ in 0..=self.listed.len() + 1 {
            match self.of(&at).parent {
                Some(parent) if self.listed.contains_key(&parent) => at = parent,
                Some(parent) => return parent,
                None => return at,
            }
        }
        at
    }
}

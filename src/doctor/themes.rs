//! Whether the server has the login themes that realms choose: without one, its users see Keycloak's own pages.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use super::facts::Facts;

/// The theme that shows brands.
pub const BRANDED: &str = "realmwright";

/// How many realms are named.
const NAMED: usize = 3;

/// The check, where any realm chooses a theme and the server could be asked.
pub fn check(facts: &Facts) -> Option<Check> {
    const ID: &str = "server.themes";
    let wanted = wanted(facts);
    let asked = facts.themes.as_ref().filter(|_| !wanted.is_empty())?;
    let there = match asked {
        Ok(there) => there,
        Err(error) => {
            let says = format!("which login themes the server has could not be asked: {error}");
            return Some(Check::warn(ID, says).mend(facts.how.bootstrap()));
        }
    };
    let missing: Vec<(&str, BTreeSet<&str>)> =
        wanted.into_iter().filter(|(theme, _)| !there.contains(*theme)).collect();
    if missing.is_empty() {
        return Some(Check::ok(ID, "the server has the login themes that realms choose"));
    }
    let said: Vec<String> =
        missing.iter().map(|(theme, realms)| format!("`{theme}`, which {}", choosing(realms))).collect();
    let says = format!(
        "the server lacks the login theme {}: users see Keycloak's own pages, and it logs an error for each",
        said.join(", and ")
    );
    let mends = missing.iter().flat_map(|(theme, _)| mends(theme));
    Some(mends.fold(Check::warn(ID, says), Check::mend))
}

/// The themes that realms choose, as they are or as their manifests say, and the realms.
fn wanted(facts: &Facts) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let chosen = facts.chosen_themes.iter().map(|(realm, theme)| (realm.as_str(), theme.as_str()));
    let observed = facts.exports().filter_map(|(realm, export)| Some((realm, export["loginTheme"].as_str()?)));
    for (realm, theme) in chosen.chain(observed).filter(|(_, theme)| !theme.is_empty()) {
        wanted.entry(theme).or_default().insert(realm);
    }
    wanted
}

fn choosing(realms: &BTreeSet<&str>) -> String {
    let first = realms.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match (realms.len(), realms.len().saturating_sub(NAMED)) {
        (1, _) => format!("{first} chooses"),
        (_, 0) => format!("{first} choose"),
        (_, more) => format!("{first} and {more} more choose"),
    }
}

fn mends(theme: &str) -> Vec<String> {
    if theme != BRANDED {
        return vec![
            format!("put the folder `{theme}` into the server's `themes/`, or its archive into `providers/`"),
            "or choose one that is there: `parameters: {loginTheme: NAME}` in the manifest".to_owned(),
        ];
    }
    vec![
        "cp -R themes/realmwright \"${KEYCLOAK_HOME:-/opt/keycloak}/themes/\"   # on the server, from the sources of \
         Realmwright; one that caches themes has to be started anew"
            .to_owned(),
        "in a container: mount it, with --volume \"$PWD/themes/realmwright:/opt/keycloak/themes/realmwright:ro\", or build an \
         image from themes/Dockerfile"
            .to_owned(),
    ]
}

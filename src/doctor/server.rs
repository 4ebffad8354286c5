//! Checks of the server and of the tool's accounts in master.

use super::facts::{Facts, Room, quoted};
use super::{Check, themes};
use crate::keycloak::bootstrap::{BOOTSTRAP, LANES_GROUP, MASTER_ROLES};
use crate::keycloak::version::{RECOMMENDED, Standing, TRIED};
use crate::keycloak::{Fault, KeycloakError};

/// Seconds by which a clock here may be ahead: Keycloak refuses assertions from further in the future.
const AHEAD: i64 = 15;

/// Seconds by which a clock here may be behind: assertions live for a minute.
const BEHIND: i64 = 55;

/// Seconds of skew that are no matter.
const SLIGHT: i64 = 5;

/// Bytes of a token beyond which servers and proxies begin to refuse the header that carries it.
const LONG_TOKEN: usize = 4_000;

/// Entries that Keycloak's realm cache holds unless told otherwise.
const CACHE_DEFAULT: u64 = 10_000;

/// Entries that a client takes in it.
const ENTRIES_PER_CLIENT: u64 = 4;

/// Clients of a realm where none could be read.
const CLIENTS_ASSUMED: u64 = 10;

/// Percent of what a server takes from which on it is nearly full.
const NEARLY_FULL: u64 = 80;

/// Seconds that an answer may take before it is worth a word.
const SLOW: u64 = 5;

/// Every check that is not about one realm.
pub fn checks(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![reachable(facts)];
    checks.extend(key(facts));
    checks.extend(facts.identity.is_ok().then(|| clock(facts)));
    checks.extend(bootstrap(facts));
    checks.extend(group(facts));
    checks.extend(lanes(facts));
    checks.extend(facts.identity.is_ok().then(|| version(facts)));
    checks.extend(facts.room.as_ref().map(room));
    checks.extend(cache(facts));
    checks.extend(themes::check(facts));
    checks.extend(facts.identity.is_ok().then(|| pace(facts)));
    checks
}

fn reachable(facts: &Facts) -> Check {
    const ID: &str = "server.reachable";
    let error = match &facts.identity {
        Ok(issuer) => return Check::ok(ID, format!("a Keycloak answers; its master realm is {issuer}")),
        Err(error) => error,
    };
    let failed = Check::fail(ID, error.to_string());
    match &error.fault {
        Fault::NoAnswer { .. } => {
            failed.mend("start the server, or give its address with --server; behind a proxy, let it through")
        }
        Fault::Status { status: 404, .. } => failed.mend(
            "give the base URL with the path that Keycloak runs below (its http-relative-path), for example \
             https://id.example.com/auth",
        ),
        _ => failed.mend("give the base URL of a Keycloak with --server; what answers there is something else"),
    }
}

/// How full one of several servers is, from the manifests: listing its realms would cost more with each of them.
fn room(room: &Room) -> Check {
    const ID: &str = "server.room";
    let placed = room.placed;
    let Some(takes) = room.takes else {
        return Check::ok(ID, format!("{placed} tenants are placed here, and it takes any number"));
    };
    if room.dedicated && placed <= 1 {
        return Check::ok(ID, format!("it is dedicated, and has {placed} tenants"));
    }
    let says = format!("{placed} tenants are placed here, and it takes {takes}");
    let check = match placed {
        _ if placed > takes => Check::fail(ID, says),
        _ if placed * 100 >= takes * NEARLY_FULL => Check::warn(ID, says),
        _ => return Check::ok(ID, says),
    };
    check
        .mend("list another server under `servers` of the environment, prepare it, and place new tenants there")
        .mend(format!("raise the `capacity` of `{}`, if it bears more", room.server))
}

fn key(facts: &Facts) -> Vec<Check> {
    let key = &facts.key;
    if let Some(problem) = &key.problem {
        return vec![
            Check::fail("key.readable", problem.clone())
                .mend("give the file that `realmwright bootstrap` made with --operator-key")
                .mend(facts.how.bootstrap()),
        ];
    }
    let mut checks = vec![Check::ok("key.readable", format!("{} holds an EC P-256 key", key.place))];
    match key.mode {
        Some(mode) if mode & 0o077 != 0 => checks.push(
            Check::warn(
                "key.mode",
                format!("others on this machine may use {} (mode {mode:04o}): it opens every realm", key.place),
            )
            .mend(format!("chmod 600 {}", quoted(&key.place))),
        ),
        Some(mode) => checks.push(Check::ok("key.mode", format!("only its owner may read it (mode {mode:04o})"))),
        None => {}
    }
    checks
}

fn clock(facts: &Facts) -> Check {
    const ID: &str = "clock.skew";
    const MEND: &str =
        "sudo timedatectl set-ntp true   # on the machine whose `date -u` is wrong: this one, or the server";
    let Some(skew) = facts.clock_skew else {
        let words = match &facts.rights {
            Some(Err(KeycloakError { fault: Fault::Refused { message, .. }, .. })) => message.as_str(),
            _ => "",
        };
        return if words.contains("in the future") {
            Check::fail(ID, format!("the clock here is more than {AHEAD} s ahead of the server's: {words}")).mend(MEND)
        } else if words.contains("not active") {
            Check::fail(ID, format!("the clock here is more than {BEHIND} s behind the server's: {words}")).mend(MEND)
        } else {
            Check::warn(ID, "no answer of the server tells the time, so the clocks could not be compared")
                .mend("compare `date -u` here and on the server")
        };
    };
    let way = if skew < 0 { "behind" } else { "ahead of" };
    let says = format!(
        "the clock here is {} s {way} the server's; it may be {AHEAD} s ahead or {BEHIND} s behind",
        skew.abs()
    );
    let check = match skew {
        _ if skew.abs() <= SLIGHT => return Check::ok(ID, "the clock here and the server's agree"),
        _ if (-BEHIND..=AHEAD).contains(&skew) => Check::warn(ID, says),
        _ => Check::fail(ID, says + ", else every login is refused"),
    };
    check.mend(MEND)
}

fn bootstrap(facts: &Facts) -> Vec<Check> {
    const ACCEPTED: &str = "bootstrap.accepted";
    let rights = match &facts.rights {
        None => return Vec::new(),
        Some(Err(error)) => return vec![refused(ACCEPTED, error, facts)],
        Some(Ok(rights)) => rights,
    };
    let mut checks = vec![Check::ok(ACCEPTED, format!("master accepts the client `{BOOTSTRAP}` with this key"))];
    let Some(rights) = rights else {
        checks.push(
            Check::warn("bootstrap.roles", "its token names no roles, so its rights could not be told")
                .mend(format!(
                    "in the console: realm master, Clients, {BOOTSTRAP}, Client scopes: add `roles` as default"
                ))
                .mend(facts.how.bootstrap()),
        );
        return checks;
    };
    let mut missing = Vec::new();
    let mut mends = Vec::new();
    let account = format!("kcadm.sh add-roles -r master --uusername service-account-{BOOTSTRAP}");
    if !rights.realm.iter().any(|role| role == "create-realm") {
        missing.push("`create-realm` of master".to_owned());
        mends.push(format!("{account} --rolename create-realm"));
    }
    for role in MASTER_ROLES.iter().filter(|role| !rights.master.iter().any(|held| held == *role)) {
        missing.push(format!("`{role}` of master-realm"));
        mends.push(format!("{account} --cclientid master-realm --rolename {role}"));
    }
    checks.push(if missing.is_empty() {
        Check::ok("bootstrap.roles", "it has the rights that it needs, and realms can be made")
    } else {
        let says = format!("the client `{BOOTSTRAP}` lacks {}: no realm can be made", missing.join(", "));
        let check = Check::fail("bootstrap.roles", says).mend(facts.how.bootstrap());
        mends.into_iter().fold(check, Check::mend)
    });
    let says = format!("its token has {} bytes", rights.token_bytes);
    checks.push(if rights.token_bytes <= LONG_TOKEN {
        Check::ok("bootstrap.token", says)
    } else {
        let extra = rights.realm.iter().chain(&rights.master).filter(|role| !needed(role)).count();
        let says = format!("{says}, which proxies may refuse as a header: it has {extra} roles that it does not need");
        Check::warn("bootstrap.token", says).mend(format!(
            "in the console: realm master, Clients, {BOOTSTRAP}, Service account roles: remove all but create-realm and \
             {} of master-realm",
            MASTER_ROLES.join(", ")
        ))
    });
    checks
}

fn needed(role: &str) -> bool {
    role == "create-realm" || MASTER_ROLES.contains(&role)
}

fn refused(id: &'static str, error: &KeycloakError, facts: &Facts) -> Check {
    let failed = Check::fail(id, error.to_string());
    match &error.fault {
        Fault::Refused { message, .. } if message.contains("not active") || message.contains("in the future") => {
            failed.mend("set the clocks right: see clock.skew")
        }
        Fault::Refused { message, .. } if message.to_lowercase().contains("disabled") => failed.mend(format!(
            "kcadm.sh update clients/$(kcadm.sh get clients -r master -q clientId={BOOTSTRAP} --fields id --format csv \
             --noquotes) -r master -s enabled=true"
        )),
        Fault::Refused { .. } => failed
            .mend(facts.how.bootstrap())
            .mend("if the server was prepared with another key: give that one with --operator-key")
            .mend(format!("{} --replace-key   # only if no realm was made with the other key", facts.how.bootstrap())),
        _ => failed.mend(facts.how.bootstrap()),
    }
}

fn group(facts: &Facts) -> Option<Check> {
    const ID: &str = "lanes.group";
    Some(match facts.group.as_ref()? {
        Err(error) => {
            Check::fail(ID, format!("the lanes' group could not be read: {error}")).mend(facts.how.bootstrap())
        }
        Ok(None) => Check::fail(ID, format!("master has no group `{LANES_GROUP}`: no realm can be made"))
            .mend(facts.how.bootstrap()),
        Ok(Some(roles)) if roles.iter().any(|role| role == "create-realm") => {
            Check::ok(ID, format!("members of `{LANES_GROUP}` may create realms"))
        }
        Ok(Some(_)) => Check::fail(
            ID,
            format!("the group `{LANES_GROUP}` of master lacks the role `create-realm`: no realm can be made"),
        )
        .mend(facts.how.bootstrap())
        .mend(format!("kcadm.sh add-roles -r master --gname {LANES_GROUP} --rolename create-realm")),
    })
}

fn lanes(facts: &Facts) -> Option<Check> {
    const ID: &str = "lanes.left";
    Some(match facts.lanes.as_ref()? {
        Err(error) => Check::warn(ID, format!("lanes could not be looked for: {error}")).mend(facts.how.bootstrap()),
        Ok(lanes) if lanes.orphans.is_empty() => match lanes.in_use {
            0 => Check::ok(ID, "no lane is left over"),
            n => Check::ok(ID, format!("{n} lanes are in use, or were until a quarter of an hour ago")),
        },
        Ok(lanes) => {
            let says = format!(
                "{} lanes of killed runs are left in master; the next apply that makes a realm removes them",
                lanes.orphans.len()
            );
            lanes.orphans.iter().fold(Check::warn(ID, says), |check, (_, id)| {
                check.mend(format!("kcadm.sh delete clients/{id} -r master"))
            })
        }
    })
}

fn version(facts: &Facts) -> Check {
    const ID: &str = "server.version";
    let tried = TRIED.map(|version| version.to_string()).join(", ");
    let upgrade = format!("upgrade the server to {RECOMMENDED}; tried are {tried}");
    if let Some(refused) = facts.unsupported() {
        return Check::fail(ID, refused).mend(upgrade);
    }
    let Some(version) = facts.version() else {
        let says = "its version is not known: it tells it only to administrators of master and in exports, and no realm \
                    of Realmwright could be read yet";
        let check = format!("{}   # checks it, and changes nothing where all is there", facts.how.bootstrap());
        return Check::warn(ID, says).mend(check);
    };
    match facts.numbers().map(crate::keycloak::version::Version::standing) {
        Some(Standing::Tried) => Check::ok(ID, format!("Keycloak {version}, which was tried")),
        Some(Standing::Untried) => {
            Check::warn(ID, format!("Keycloak {version} was not tried; nothing bad is known of it")).mend(upgrade)
        }
        Some(Standing::Flawed(why)) => Check::warn(ID, format!("Keycloak {version}: {why}")).mend(upgrade),
        Some(Standing::Refused(why)) => Check::fail(ID, format!("Keycloak {version} is refused: {why}")).mend(upgrade),
        None => Check::fail(ID, format!("Keycloak {version} is no release")).mend(upgrade),
    }
}

fn cache(facts: &Facts) -> Option<Check> {
    const ID: &str = "server.cache";
    let realms = match facts.realms.as_ref()? {
        Ok(realms) => u64::try_from(*realms).unwrap_or(u64::MAX),
        Err(error) => {
            return Some(
                Check::warn(ID, format!("the realms could not be counted: {error}")).mend(facts.how.bootstrap()),
            );
        }
    };
    let counts: Vec<u64> =
        facts.exports().map(|(_, export)| export["clients"].as_array().map_or(0, Vec::len) as u64).collect();
    let clients = match counts.len() as u64 {
        0 => CLIENTS_ASSUMED,
        n => counts.iter().sum::<u64>().div_ceil(n),
    };
    let source = if counts.is_empty() { "assumed" } else { "as in the realms looked into" };
    // One more for the client that master has for each realm.
    let needed = realms.saturating_mul(ENTRIES_PER_CLIENT).saturating_mul(clients + 1);
    let (held, known) = match facts.cache_max {
        Some(max) => (max, "as --cache-realms-max says"),
        None => (CACHE_DEFAULT, "Keycloak's default, assumed: the server does not tell"),
    };
    let says = format!(
        "{realms} realms with {clients} clients each ({source}) need about {needed} entries of the realm cache; it holds {held} ({known})"
    );
    Some(if needed <= held {
        Check::ok(ID, says)
    } else {
        let value = (needed + needed / 4).div_ceil(1_000) * 1_000;
        Check::warn(ID, says + ": realms will be read from the database again and again")
            .mend(format!("start the server with --cache-embedded-realms-max-count={value} (KC_CACHE_EMBEDDED_REALMS_MAX_COUNT={value})"))
            .mend("if it is set already: realmwright doctor --cache-realms-max VALUE")
    })
}

fn pace(facts: &Facts) -> Check {
    const ID: &str = "server.pace";
    let slowest = facts.slowest.as_secs_f64();
    if facts.slowest.as_secs() < SLOW {
        return Check::ok(ID, format!("the slowest answer took {slowest:.1} s"));
    }
    Check::warn(
        ID,
        format!("an answer took {slowest:.1} s; one that takes 120 s is given up, and proxies give up sooner"),
    )
    .mend("let the proxy in front wait 120 s for /admin (nginx: proxy_read_timeout 120s)")
    .mend(
        "start the server with --http-max-queued-requests=1000, so that it answers 503 instead of queueing without end",
    )
}

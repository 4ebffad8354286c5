//! What a ledger has to be asked for so that its accounts are what the manifests say, in an order in which every step is
//! lawful; and what it would refuse.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Declared, Organization};
use crate::licence::{Accounts, Amount, Command, Event, LicenceTerms, Refusal, Shortage, Standing, Time};

/// What of a ledger's accounts a run is about.
pub struct Scope<'a> {
    /// The licences that manifests brought into the ledger; others are left alone.
    pub ours: &'a BTreeSet<String>,
    /// Whether an organization was chosen.
    pub chosen: &'a dyn Fn(&str) -> bool,
}

/// How the accounts become what is declared.
#[derive(Debug, Default)]
pub struct Settlement {
    /// What happens, in order.
    pub events: Vec<Event>,
    /// What that changes, for everybody whom it touches.
    pub changes: Vec<FigureChange>,
    /// The accounts then.
    pub after: Accounts,
    /// What is refused, once nothing more can be accepted.
    pub refused: Vec<(Command, Refusal)>,
}

/// What becomes of one resource of one organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FigureChange {
    /// The organization.
    pub organization: String,
    /// The resource.
    pub resource: String,
    /// What it had and has.
    pub limit: Step,
    /// What it used, shared and sold of that, together.
    pub allocated: Step,
}

/// A figure before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Before.
    pub before: Amount,
    /// After.
    pub after: Amount,
}

/// Compares what is declared with a ledger's accounts.
///
/// What has to change is tried in one fixed order, lower grants first, from the leaves up; then the rest from the roots
/// down; ended licences last. What is refused is tried again after all others, until a round gets nothing accepted: so a
/// lawful order is found wherever freeing something here gives room there. Where that is stuck, organizations that move
/// travel light, with no more than they need until they have arrived; and who has too little for a while is lent it by the
/// nearest organization above that has it free.
pub fn settle(declared: &Declared<'_>, accounts: &Accounts, scope: &Scope<'_>, now: Time) -> Settlement {
    let mut before = accounts.clone();
    before.advance(now);
    let mut pending = wanted(declared, &before, scope, now);
    let mut run = Run { now, settlement: Settlement { after: before.clone(), ..Settlement::default() } };
    // What detours took or lent is put right once everybody is in place.
    let (mut tried, mut later, most) = (Vec::new(), Vec::new(), 2 * pending.len());
    loop {
        run.accept(&mut pending);
        let detour = run.detour(declared, &tried).filter(|_| tried.len() < most);
        if let Some((steps, then)) = detour {
            run.accept(&mut steps.clone());
            tried.push(steps);
            later.extend(then);
        } else if later.is_empty() {
            break;
        } else {
            pending.append(&mut later);
        }
    }
    run.settlement.changes = changes(&before, &run.settlement.after);
    run.settlement
}

/// What was accepted so far, and what is refused just now.
struct Run {
    now: Time,
    settlement: Settlement,
}

impl Run {
    /// Asks for everything, round after round, until nothing more is accepted; what is refused stays.
    fn accept(&mut self, pending: &mut Vec<Command>) {
        loop {
            let left = pending.len();
            self.settlement.refused.clear();
            pending.retain(|command| match self.settlement.after.execute(self.now, command) {
                Ok(events) => {
                    self.settlement.events.extend(events);
                    false
                }
                Err(refusal) => {
                    self.settlement.refused.push((command.clone(), refusal));
                    true
                }
            });
            if pending.is_empty() || pending.len() == left {
                return;
            }
        }
    }

    /// A way round what is refused, which was not tried yet.
    fn detour(&self, declared: &Declared<'_>, tried: &[Vec<Command>]) -> Option<Detour> {
        let detours = self.settlement.refused.iter().flat_map(|(command, refusal)| {
            [light(command, declared, &self.settlement.after), headroom(refusal, declared, &self.settlement.after)]
                .into_iter()
                .flatten()
        });
        detours.into_iter().find(|(steps, _)| !tried.contains(steps))
    }
}

/// Steps that give room to what was refused, and what has to be asked for after that.
type Detour = (Vec<Command>, Vec<Command>);

/// For an organization that is to move: its grants lowered to what it needs. Once lowered, there is nothing to lower.
fn light(command: &Command, declared: &Declared<'_>, accounts: &Accounts) -> Option<Detour> {
    let Command::Move { organization, .. } = command else { return None };
    let account = accounts.account(organization).ok().filter(|account| !account.own_licences)?;
    let needs = |resource: &str| accounts.figures(organization, resource).map_or(0, |figures| figures.allocated);
    let (mut lower, mut last) = (BTreeMap::new(), BTreeMap::new());
    for (resource, limit) in &account.limits {
        let needs = needs(resource);
        if *limit > needs {
            lower.insert((*resource).to_owned(), needs);
            last.insert((*resource).to_owned(), in_the_end(organization, resource, *limit, declared));
        }
    }
    let grant = |grants| vec![Command::Grant { organization: organization.clone(), grants }];
    (!lower.is_empty()).then(|| (grant(lower), grant(last)))
}

/// For an organization that has too little for a while: what is missing, granted down to it from the nearest one that has
/// it free.
fn headroom(refusal: &Refusal, declared: &Declared<'_>, accounts: &Accounts) -> Option<Detour> {
    let Refusal::Quota(Shortage { organization, resource, missing, nearest: Some(nearest), .. }) = refusal else {
        return None;
    };
    let (mut raised, mut last) = (Vec::new(), Vec::new());
    let mut at = organization.as_str();
    while at != nearest {
        let account = accounts.account(at).ok()?;
        let limit = account.limits.get(resource.as_str()).copied()?;
        let grant =
            |amount| Command::Grant { organization: at.to_owned(), grants: [(resource.clone(), amount)].into() };
        raised.insert(0, grant(limit + missing));
        last.push(grant(in_the_end(at, resource, limit, declared)));
        at = account.parent?;
    }
    Some((raised, last))
}

/// What an organization is granted once all is done: as declared, or as it is.
fn in_the_end(organization: &str, resource: &str, limit: Amount, declared: &Declared<'_>) -> Amount {
    let said = declared.organization(organization).filter(|said| said.tenant.node.get("grants").is_some());
    said.map_or(limit, |said| said.grants.get(resource).copied().unwrap_or_default())
}

/// Everything that differs, in the order in which it is tried first.
fn wanted(declared: &Declared<'_>, accounts: &Accounts, scope: &Scope<'_>, now: Time) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    for (resource, measure) in &declared.resources {
        commands.push(Command::DefineResource { resource: (*resource).to_owned(), measure: *measure });
    }
    let chosen = || declared.organizations.iter().filter(|organization| (scope.chosen)(organization.name()));
    for organization in chosen().rev() {
        commands.extend(grants(organization, accounts, |before, after| after < before));
    }
    for organization in chosen() {
        commands.extend(place(organization, accounts));
        commands.extend(grants(organization, accounts, |before, after| after > before));
        for terms in &organization.licences {
            commands.extend(licence(organization, terms, accounts, now));
        }
        commands.extend(privacy(organization, accounts));
        commands.extend(server(organization, accounts));
    }
    let said: BTreeSet<&str> =
        declared.organizations.iter().flat_map(|o| &o.licences).map(|terms| terms.serial.as_str()).collect();
    for view in accounts.licence_views() {
        let serial = &view.terms.serial;
        let live = matches!(view.standing, Standing::Issued | Standing::Redeemed);
        let meant = view.holder.as_deref().is_none_or(|holder| (scope.chosen)(holder));
        if live && meant && scope.ours.contains(serial) && !said.contains(serial.as_str()) {
            commands.push(Command::Revoke { serial: serial.clone() });
        }
    }
    commands
}

/// Has an organization stand where it is declared.
fn place(organization: &Organization<'_>, accounts: &Accounts) -> Vec<Command> {
    let (name, parent) = (organization.name().to_owned(), organization.parent());
    let dealer = organization.tenant.settings.dealer;
    let Ok(known) = accounts.account(&name) else {
        return vec![Command::Create {
            organization: name,
            parent: parent.map(str::to_owned),
            own_licences: organization.own_licences,
            dealer,
            grants: organization.grants.clone(),
        }];
    };
    let mut commands = Vec::new();
    if let Some(parent) = parent.filter(|parent| known.parent != Some(parent)) {
        commands.push(Command::Move { organization: name.clone(), parent: parent.to_owned() });
    }
    if known.dealer != dealer {
        commands.push(Command::Dealer { organization: name, dealer });
    }
    commands
}

/// Has it noted down on which server an organization's realm is, where there are several.
fn server(organization: &Organization<'_>, accounts: &Accounts) -> Option<Command> {
    let server = organization.tenant.server.as_deref()?;
    let known = accounts.server(organization.name()) == Some(server);
    let (organization, server) = (organization.name().to_owned(), server.to_owned());
    (!known).then_some(Command::Place { organization, server, from: None })
}

/// What an organization may hide, and hides, where manifests say it. It ends before it is no longer allowed.
fn privacy(organization: &Organization<'_>, accounts: &Accounts) -> Vec<Command> {
    let name = || organization.name().to_owned();
    let (allowed, required) = accounts.privacy(organization.name());
    let settings = &organization.tenant.settings;
    let differs = |wanted: Option<bool>, is: bool| wanted.filter(|wanted| *wanted != is);
    let require = differs(settings.require_full_privacy, required);
    let ends =
        require.filter(|require| !require).map(|require| Command::RequirePrivacy { organization: name(), require });
    let allow = differs(settings.allow_full_privacy, allowed)
        .map(|allow| Command::AllowPrivacy { organization: name(), allow });
    let begins =
        require.filter(|require| *require).map(|require| Command::RequirePrivacy { organization: name(), require });
    [ends, allow, begins].into_iter().flatten().collect()
}

/// Sets those grants of an organization that are there already and change in one direction. Where `grants` is left out,
/// they stay; where it is written, what it does not name is 0.
fn grants(
    organization: &Organization<'_>,
    accounts: &Accounts,
    direction: impl Fn(Amount, Amount) -> bool,
) -> Option<Command> {
    let name = organization.name();
    let known = accounts.account(name).ok().filter(|known| !known.own_licences)?;
    organization.tenant.node.get("grants")?;
    let changed = known.limits.iter().filter_map(|(resource, before)| {
        let after = organization.grants.get(*resource).copied().unwrap_or_default();
        direction(*before, after).then(|| ((*resource).to_owned(), after))
    });
    let grants: BTreeMap<String, Amount> = changed.collect();
    (!grants.is_empty()).then(|| Command::Grant { organization: name.to_owned(), grants })
}

/// Has a licence be there, be held, and be valid for as long as is declared.
fn licence(organization: &Organization<'_>, terms: &LicenceTerms, accounts: &Accounts, now: Time) -> Vec<Command> {
    let serial = || terms.serial.clone();
    let mut commands = Vec::new();
    let known = accounts.licence_view(&terms.serial).ok();
    match &known {
        None => commands.push(Command::Issue(terms.clone())),
        // Which is refused: what a licence says is fixed once it is issued.
        Some(known) if !says(&known.terms, terms) => return vec![Command::Issue(terms.clone())],
        Some(known) if known.expires < terms.expiry && known.standing != Standing::Revoked => {
            commands.push(Command::Renew { serial: serial(), until: terms.expiry });
        }
        Some(_) => {}
    }
    let held = known.is_some_and(|known| known.holder.as_deref() == Some(organization.name()));
    if !held && terms.is_valid(now) {
        commands.push(Command::Redeem { organization: organization.name().to_owned(), serial: serial() });
    }
    commands
}

/// Whether a licence was issued as it is declared. How long it is valid can change, and of what manifests don't say, anything
/// will do.
fn says(issued: &LicenceTerms, declared: &LicenceTerms) -> bool {
    let valid_from = declared.valid_from.or(issued.valid_from);
    let (recipient, expiry, on_expiry) = (issued.recipient.clone(), issued.expiry, issued.on_expiry);
    *issued == LicenceTerms { recipient, valid_from, expiry, on_expiry, ..declared.clone() }
}

/// What differs between two states of the accounts.
fn changes(before: &Accounts, after: &Accounts) -> Vec<FigureChange> {
    let was = before.balances();
    let changed = after.balances().into_iter().filter_map(|((organization, resource), (limit, allocated))| {
        let (old_limit, old_allocated) = was.get(&(organization, resource)).copied().unwrap_or_default();
        let differs = (old_limit, old_allocated) != (limit, allocated);
        differs.then(|| FigureChange {
            organization: organization.to_owned(),
            resource: resource.to_owned(),
            limit: Step { before: old_limit, after: limit },
            allocated: Step { before: old_allocated, after: allocated },
        })
    });
    changed.collect()
}

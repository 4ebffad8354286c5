//! The rules that findings are about, by their code: what each is for, and how to keep it. For reports that list rules.

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its code, as findings have it.
    pub code: &'static str,
    /// What it asks for.
    pub what: &'static str,
    /// How to keep it.
    pub help: &'static str,
}

const fn rule(code: &'static str, what: &'static str, help: &'static str) -> Rule {
    Rule { code, what, help }
}

/// Every rule, by its code.
pub static RULES: &[Rule] = &[
    rule("csv", "A CSV list can be read", "Put fields that hold a comma or a quote in double quotes."),
    rule(
        "cycle",
        "Parents and templates do not go round in a circle",
        "Give one of them a parent, or a base, outside the circle.",
    ),
    rule("disabled-realm", "A realm stays enabled", "Disable clients or take away licences instead."),
    rule(
        "duplicate-domain",
        "A domain of e-mail addresses leads to one tenant",
        "Take it out of the list of all but the tenant whose it is.",
    ),
    rule("duplicate-key", "A key stands once in a mapping", "Keep one of the two."),
    rule(
        "duplicate-name",
        "Names of tenants and templates are unique in the platform",
        "Choose another name; the label may be anything.",
    ),
    rule("duplicate-object", "A name stands once in a list of objects", "Merge the two, or name one otherwise."),
    rule("duplicate-platform", "A manifest directory has one Platform", "Take the second one out."),
    rule(
        "duplicate-serial",
        "A serial is used once in the platform",
        "Give each licence the serial that it was sold with.",
    ),
    rule("duplicate-server", "A server of an environment stands there once", "Take one of them out."),
    rule(
        "foreign-directory",
        "A directory belongs to one distributor",
        "Move the tenant to the directory of its distributor.",
    ),
    rule(
        "foreign-template",
        "A distributor's templates serve its own branch",
        "Use a shared template, or one of your own.",
    ),
    rule("format", "The layout of a manifest can be changed without changing what it says", "Write it more plainly."),
    rule(
        "full-server",
        "No more tenants are placed on a server than it takes",
        "Raise its capacity, or place new tenants elsewhere.",
    ),
    rule(
        "granted",
        "What the vendor grants a distributor is not changed by the distributor",
        "Put it back, and ask the platform team.",
    ),
    rule(
        "granted-in-realm",
        "Licences and the tree stand in their own keys",
        "Use `licences` and `parent`, not attributes of the realm.",
    ),
    rule(
        "granted-on-own-licences",
        "Nothing is granted to who lives on own licences",
        "Take the grants out, or the licences.",
    ),
    rule(
        "granted-right",
        "Rights by which somebody could take what the vendor grants are the vendor's to give",
        "Take it out, or ask the platform team.",
    ),
    rule(
        "hidden-template",
        "A distributor does not replace a shipped template",
        "Name the template otherwise, and let it extend the shipped one.",
    ),
    rule("insecure-url", "Identity providers are reached over TLS", "Use https."),
    rule(
        "ledger",
        "The ledger accepts what the manifests ask for",
        "What was redeemed and used is in the ledger: `realmwright tree` shows it.",
    ),
    rule(
        "licence-on-parents-resources",
        "Who lives on the parent's resources holds no licences",
        "Take the licences out, or `ownLicences: false`.",
    ),
    rule("link", "A changed file is a file, not a link", "Put the file itself there."),
    rule("missing-file", "A file that is named is there", "The path is relative to the manifest that names it."),
    rule("missing-key", "A key that is needed is there", "docs/manifest.md lists the keys."),
    rule("missing-parameter", "A parameter without a default is given", "Set it under `parameters`."),
    rule("missing-secret", "A secret can be read", "Set the variable, or put the file in place."),
    rule("moved-tenant", "A tenant stays with its distributor", "Leave it where it was, and ask the platform team."),
    rule(
        "new-distributor",
        "The platform team adds distributors",
        "Declare a Reseller or an Organization below your own.",
    ),
    rule(
        "new-variable",
        "The platform team decides which variables realms may hold",
        "Use a file beside the manifest, or ask the platform team.",
    ),
    rule("no-base", "The revision to compare with has manifests", "Name the revision that the change is to go into."),
    rule(
        "no-dealer",
        "Who issues a licence is a dealer",
        "Give the organization `dealer: true`, or leave the dealer out for the platform.",
    ),
    rule("no-manifests", "A manifest directory holds manifests", "Name the directory that holds *.yaml files."),
    rule("no-platform", "A manifest directory has a Platform", "Add a document of kind Platform."),
    rule("not-a-config", "A configuration file holds settings", "Manifests stand in a directory of their own."),
    rule("not-managed", "What a template holds is managed", "Take it out, or set it by hand."),
    rule("not-settable", "Fields that the server makes are not set", "Take them out."),
    rule(
        "not-switched-on",
        "What a realm's switch turns on is declared with its switch",
        "Set the switch, or take out what needs it.",
    ),
    rule(
        "nothing-is-counted",
        "Grants need resources that are counted",
        "List them under `resources` of the platform.",
    ),
    rule("null", "Nothing is null", "Leave the key out, or write an empty list."),
    rule("open-secret", "A secret goes only where it can't be read back", "Use the field that is for secrets."),
    rule(
        "outside-scope",
        "An author changes only the own directory",
        "Leave the file as it was, or ask the platform team.",
    ),
    rule(
        "over-granted",
        "What is granted adds up at every organization",
        "Lower what is granted below, or have the nearest organization that has it free grant more.",
    ),
    rule("oversold", "A dealer sells only what it has", "Lower what it sold or granted, or redeem a licence for it."),
    rule("own-issue", "Nobody redeems what was issued in its own pool", "Grant it instead, or name another dealer."),
    rule("parent-not-in-environment", "A tenant is where its parent is", "Put the parent into that environment too."),
    rule(
        "plain-reference",
        "References to secrets are written as `env:` or `file:`",
        "Use a parameter of the type `secret`.",
    ),
    rule("plain-secret", "No secret stands in a manifest", "Use a reference: `env:NAME` or `file:PATH`."),
    rule(
        "privacy-not-allowed",
        "Full privacy is required where it is allowed",
        "Allow it with `allowFullPrivacy: true`, or take `requireFullPrivacy` out.",
    ),
    rule("realm-name", "A realm is named after its tenant", "Take the name out of the template."),
    rule("removed-distributor", "The platform team ends a distributor", "Put its document back."),
    rule("reserved-name", "Names of Keycloak and of Realmwright are not used", "Choose another name."),
    rule("root-on-parents-resources", "A distributor lives on its own licences", "Take `ownLicences: false` out."),
    rule("schema", "The built-in schema is sound", "This is a fault of Realmwright; report it."),
    rule(
        "scope-without-distributor",
        "A scope is the directory of a distributor",
        "Name the directory that holds the distributor's document.",
    ),
    rule(
        "seat-for-everybody",
        "Nobody has a seat just by being there",
        "Give seats to single users, or to a group that users are put into.",
    ),
    rule(
        "seat-not-asked",
        "Every way in at a product asks for a seat",
        "Take it out, or lead it through the gate of the product.",
    ),
    rule("shared-directory", "Each distributor has a directory of its own", "Move one of them."),
    rule(
        "shared-server",
        "A dedicated server has one tenant",
        "Place the others on another server, or take `dedicated` out.",
    ),
    rule("template", "A template is well formed", "docs/manifest.md has the directives."),
    rule(
        "too-many-seats",
        "No more users are declared with a seat than are licensed",
        "Raise `seats` of a licence, or take the seat from some of them.",
    ),
    rule("unknown-column", "A column of a list is known", "docs/manifest.md lists the columns."),
    rule(
        "unknown-environment",
        "An environment is one of the platform's",
        "Add it to the Platform, or correct the name.",
    ),
    rule("unknown-field", "A field is one that Keycloak has", "Correct the name."),
    rule("unknown-key", "A key is known", "docs/manifest.md lists the keys."),
    rule(
        "unknown-kind",
        "A kind of manifest is known",
        "The kinds are Platform, Distributor, Reseller, Organization and RealmTemplate.",
    ),
    rule("unknown-licence-type", "A licence is of a type that is sold", "The product lists its types."),
    rule("unknown-object", "What is referred to exists in the realm", "Declare it, or correct the name."),
    rule(
        "unknown-parameter",
        "A parameter is one of the template's",
        "Declare it in the template, or correct the name.",
    ),
    rule("unknown-parent", "A parent is declared", "Declare it, or correct the name."),
    rule("unknown-product", "A product is one of the platform's", "Add it to the Platform, or correct the name."),
    rule("unknown-reference", "A value that a template refers to exists", "docs/manifest.md lists the values."),
    rule(
        "unknown-resource",
        "Grants and licences name resources that the platform counts",
        "List the resource under `resources` of the platform, or mend its name.",
    ),
    rule(
        "unknown-server",
        "A server that a tenant names is one of the environment's",
        "Add it to the Platform's environment, or correct the name.",
    ),
    rule("unknown-setting", "A setting is known", "`realmwright config show` lists the settings."),
    rule("unknown-template", "A template is declared", "Declare it, or correct the name."),
    rule(
        "unlicensed-product",
        "Only a licence brings a product into a realm",
        "Give the tenant a licence, or take out what is of the product.",
    ),
    rule("unplaced", "Where there are several servers, each tenant is placed on one", "Give it `server`."),
    rule("unused-list", "A list in the directory is used", "Name it as `csv:` of a Distributor, or take it out."),
    rule(
        "vendor-flow",
        "Which way logins go is the vendor's to say where its templates do",
        "Take it out, or ask the platform team.",
    ),
    rule("wrong-date", "A date is a day of the calendar", "Write it as 2026-12-31."),
    rule("wrong-key", "A public key is one of its kind, in PEM", "`openssl pkey -in FILE -pubout` prints one."),
    rule(
        "wrong-measure",
        "Organizations and seats are gauges",
        "Take the resource out of the platform: it is counted by itself.",
    ),
    rule("wrong-name", "A name has the form that names have", "Use lower case letters, digits, `-` and `_`."),
    rule(
        "wrong-network",
        "A network that users come from is an address or a network",
        "Write it as 203.0.113.0/24, or 2001:db8::/32.",
    ),
    rule("wrong-parameter", "A parameter's value is of its type", "The template says which values it takes."),
    rule(
        "wrong-parent",
        "The tiers stand in their order",
        "Organizations stand below resellers, those below distributors.",
    ),
    rule("wrong-type", "A value is of its type", "docs/manifest.md has the types."),
    rule("wrong-url", "A URL is one", "Write it as https://id.example.com."),
    rule("wrong-value", "A value is one that is allowed", "docs/manifest.md has the values."),
    rule("yaml", "A manifest is YAML", "Correct the syntax."),
];

//! What the broker is asked and answers, as an OpenAPI description. A test holds that it and the router name the same operations.

use serde_json::{Map, Value, json};

/// One operation.
struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    /// Who asks.
    tag: &'static str,
    parameters: &'static [Parameter],
    /// Fields of the form that is sent.
    form: &'static [Field],
    answers: &'static [Answer],
}

/// Place, name, what it is.
type Parameter = (&'static str, &'static str, &'static str);
/// Name, what it is.
type Field = (&'static str, &'static str);
/// Status, what it means, what it holds.
type Answer = (u16, &'static str, Holds);

/// What an answer holds.
#[derive(Clone, Copy)]
enum Holds {
    Nothing,
    Page,
    /// JSON of this schema.
    Json(&'static str),
    /// The headers that tell who somebody is.
    Identity,
    /// An address to go to.
    Address,
}
use Holds::{Address, Identity, Json, Nothing, Page};

const BACK: Parameter = ("query", "back", "A path of the same host to go to in the end");
const TENANT: Parameter = ("path", "tenant", "Name of the tenant, written in the one way");
const AUDIENCE: Parameter = ("query", "audience", "Whom the access token that is shown has to be for");
const ONLY: Parameter = ("query", "tenant", "Only a user of this tenant");
const ELSE: Parameter = ("query", "else", "With `login`, a browser that asks for a page is sent to the login");
const ORIGIN: Parameter = ("header", "Origin", "The broker's own; `Sec-Fetch-Site: same-origin` says the same");

const ELSEWHERE: Answer = (421, "Not a host of the broker's", Nothing);
const NOBODY: Answer = (404, "No tenant, or none that may be known of here", Page);
const LATER: Answer = (503, "The realm, or the database of sessions, can't be asked", Nothing);
const NOT_IN: Answer =
    (403, "Not let in: by address, without a seat, or because the tenant is suspended or has expired", Nothing);

const OPERATIONS: &[Operation] = &[
    Operation {
        method: "get",
        path: "/",
        summary: "Asks where somebody works, or says who is logged in",
        tag: "browsers",
        parameters: &[BACK, ("query", "tenant", "What was typed")],
        form: &[],
        answers: &[(200, "A page", Page), (303, "The login of the tenant that was typed", Address), NOBODY, ELSEWHERE],
    },
    Operation {
        method: "get",
        path: "/t",
        summary: "The same",
        tag: "browsers",
        parameters: &[BACK, ("query", "tenant", "What was typed")],
        form: &[],
        answers: &[(200, "A page", Page), (303, "The login of the tenant that was typed", Address), NOBODY, ELSEWHERE],
    },
    Operation {
        method: "post",
        path: "/t",
        summary: "Takes what somebody typed, a tenant's name or an e-mail address, which then is in no address or history",
        tag: "browsers",
        parameters: &[],
        form: &[("tenant", "What was typed")],
        answers: &[(303, "The login of that tenant", Address), NOBODY, ELSEWHERE],
    },
    Operation {
        method: "get",
        path: "/t/{tenant}",
        summary: "Begins a login at a tenant",
        tag: "browsers",
        parameters: &[TENANT, BACK],
        form: &[],
        answers: &[
            (303, "The realm, or the tenant's own host", Address),
            (400, "The realm does not take the request", Page),
            (403, "The tenant lets nobody in, or not from this address", Page),
            NOBODY,
            ELSEWHERE,
            (429, "Too many logins; `Retry-After` says for how long", Page),
            (502, "The realm can't be asked, or says what can't be", Page),
        ],
    },
    Operation {
        method: "get",
        path: "/t/{tenant}/callback",
        summary: "Takes the answer of a realm, and begins a session",
        tag: "browsers",
        parameters: &[
            TENANT,
            ("query", "state", "The one of this browser's login"),
            ("query", "code", "What is exchanged for tokens"),
            ("query", "iss", "The realm's issuer (RFC 9207)"),
            ("query", "error", "What the realm refused for"),
        ],
        form: &[],
        answers: &[
            (303, "Where the login was begun for", Address),
            (400, "The answer is not believed", Page),
            (403, "The tenant lets nobody in, or not from this address", Page),
            NOBODY,
            ELSEWHERE,
            (502, "The realm can't be asked, or says what can't be", Page),
        ],
    },
    Operation {
        method: "get",
        path: "/t/{tenant}/signed-out",
        summary: "Says that somebody has logged out",
        tag: "browsers",
        parameters: &[TENANT],
        form: &[],
        answers: &[(200, "A page", Page), NOBODY, ELSEWHERE],
    },
    Operation {
        method: "get",
        path: "/t/{tenant}/login.json",
        summary: "Says where a tenant's users log in at a terminal",
        tag: "terminals",
        parameters: &[TENANT],
        form: &[],
        answers: &[(200, "The realm and the client", Json("Place")), NOBODY, ELSEWHERE],
    },
    Operation {
        method: "post",
        path: "/t/{tenant}/backchannel-logout",
        summary: "Ends the sessions that a realm says have ended (OpenID Connect Back-Channel Logout 1.0)",
        tag: "realms",
        parameters: &[TENANT],
        form: &[("logout_token", "Signed by the tenant's realm")],
        answers: &[
            (200, "They have ended", Nothing),
            (400, "The token is not believed", Nothing),
            (404, "No tenant", Nothing),
            ELSEWHERE,
        ],
    },
    Operation {
        method: "get",
        path: "/auth",
        summary: "Tells a reverse proxy whether a request is somebody's, and whose",
        tag: "proxies",
        parameters: &[
            AUDIENCE,
            ONLY,
            ELSE,
            ("query", "seat", "A product: who has no seat of it gets 403. Of concurrent seats one is taken"),
            ("header", "Authorization", "`Bearer` with an access token, or `DPoP` with one that is bound to a key"),
            ("header", "DPoP", "The proof of that key (RFC 9449)"),
            ("header", "X-Forwarded-Uri", "What was asked for, from a trusted proxy"),
            ("header", "X-Forwarded-Method", "How it was, from a trusted proxy"),
        ],
        form: &[],
        answers: &[
            (200, "Somebody's", Identity),
            (303, "The login, for a browser, where `else=login` is asked for", Address),
            (401, "Nobody's; `X-Auth-Login` says where the login is", Nothing),
            NOT_IN,
            ELSEWHERE,
            LATER,
        ],
    },
    Operation {
        method: "get",
        path: "/session",
        summary: "Tells an application in the browser who is logged in",
        tag: "applications",
        parameters: &[],
        form: &[],
        answers: &[
            (200, "Who it is", Json("Session")),
            (401, "Nobody", Nothing),
            (403, "Asked from another site, or not let in", Nothing),
            ELSEWHERE,
            LATER,
        ],
    },
    Operation {
        method: "post",
        path: "/token",
        summary: "Gives an application in the browser an access token for one audience (RFC 8693)",
        tag: "applications",
        parameters: &[ORIGIN, ("header", "X-CSRF", "Anything: a page of another site can't send it")],
        form: &[("audience", "One of the products that the platform names as audiences")],
        answers: &[
            (200, "The token", Json("Token")),
            (400, "`invalid_request`, or `invalid_target` for who may not have it", Json("Error")),
            (401, "Nobody is logged in", Nothing),
            (403, "Asked from another site, or not let in", Nothing),
            ELSEWHERE,
            (503, "The realm can't be asked", Json("Error")),
        ],
    },
    Operation {
        method: "post",
        path: "/logout",
        summary: "Ends the session here and at the realm",
        tag: "browsers",
        parameters: &[ORIGIN],
        form: &[],
        answers: &[
            (303, "The realm, which ends its own", Address),
            (403, "Asked from another site", Nothing),
            ELSEWHERE,
            (503, "The database of sessions can't be used; nothing has ended", Nothing),
        ],
    },
];

/// Every operation: its method in capitals, and its path.
pub fn operations() -> impl Iterator<Item = (String, &'static str)> {
    OPERATIONS.iter().map(|operation| (operation.method.to_uppercase(), operation.path))
}

/// The description (OpenAPI 3.1).
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Realmwright's token broker",
            "description": "What `realmwright serve` is asked and answers; docs/broker.md says more.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "https://login.example.com", "description": "Where the platform says that the broker is"}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-Http-session"},
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
            "schemas": schemas(),
        },
    })
}

fn described(operation: &Operation) -> Value {
    let Operation { method, path, summary, tag, parameters, form, answers } = operation;
    let parameter = |(place, name, what): &Parameter| {
        let required = *place == "path";
        json!({"in": place, "name": name, "description": what, "required": required, "schema": {"type": "string"}})
    };
    let answers: Map<String, Value> =
        answers.iter().map(|(status, what, holds)| answer(*status, what, *holds)).collect();
    let words = path.replace(['{', '}'], "").replace(['/', '-', '.'], "_");
    let mut described = json!({
        "operationId": format!("{method}{}", words.trim_end_matches('_')),
        "summary": summary,
        "tags": [tag],
        "parameters": parameters.iter().map(parameter).collect::<Vec<_>>(),
        "responses": answers,
        "security": match *path {
            "/auth" => json!([{"session": []}, {"bearer": []}, {}]),
            "/session" | "/token" | "/logout" => json!([{"session": []}]),
            _ => json!([{}]),
        },
    });
    if !form.is_empty() {
        let fields: Map<String, Value> = form
            .iter()
            .map(|(name, what)| ((*name).to_owned(), json!({"type": "string", "description": what})))
            .collect();
        let names: Vec<&str> = form.iter().map(|(name, _)| *name).collect();
        let schema = json!({"type": "object", "properties": fields, "required": names});
        described["requestBody"] =
            json!({"required": true, "content": {"application/x-www-form-urlencoded": {"schema": schema}}});
    }
    described
}

fn answer(status: u16, what: &str, holds: Holds) -> (String, Value) {
    let mut told = json!({ "description": what });
    let header = |what: &str| json!({"description": what, "schema": {"type": "string"}});
    match holds {
        Nothing => {}
        Page => told["content"] = json!({"text/html": {"schema": {"type": "string"}}}),
        Json(schema) => {
            let schema = format!("#/components/schemas/{schema}");
            told["content"] = json!({"application/json": {"schema": {"$ref": schema}}});
        }
        Address => told["headers"] = json!({"Location": header("Where to go")}),
        Identity => {
            let names = crate::login::identity::HEADERS.iter();
            let headers =
                names.map(|name| ((*name).to_owned(), header("Percent-encoded; empty where nothing is known")));
            told["headers"] = headers.collect::<Map<_, _>>().into();
        }
    }
    (status.to_string(), told)
}

fn schemas() -> Value {
    let text = |what: &str| json!({"type": "string", "description": what});
    let object = |properties: Value, required: &[&str]| json!({"type": "object", "properties": properties, "required": required});
    let identity = json!({
        "subject": text("The realm's name of the user, which never changes"),
        "user": text("Login name"),
        "name": text("Full name"),
        "email": text("E-mail address, if the realm says that it was proved"),
    });
    json!({
        "Identity": object(identity, &["subject"]),
        "Session": object(
            json!({
                "tenant": text("The tenant"),
                "label": text("What it is called on screen"),
                "issuer": text("The issuer of its realm"),
                "identity": {"$ref": "#/components/schemas/Identity"},
                "ends": {"type": "integer", "description": "When the session ends in any case, in seconds since 1970"},
            }),
            &["tenant", "label", "issuer", "identity", "ends"],
        ),
        "Token": object(
            json!({
                "access_token": text("The token"),
                "issued_token_type": {"const": crate::login::exchange::ACCESS_TOKEN},
                "token_type": {"const": "Bearer"},
                "expires_in": {"type": "integer", "description": "Seconds for which it is good"},
            }),
            &["access_token", "issued_token_type", "token_type", "expires_in"],
        ),
        "Error": object(
            json!({"error": {"enum": ["invalid_request", "invalid_target", "temporarily_unavailable"]}}),
            &["error"],
        ),
        "Place": object(
            json!({
                "tenant": text("The tenant"),
                "label": text("What it is called on screen"),
                "issuer": text("The issuer of its realm"),
                "client": text("The client that terminals are"),
                "audiences": {"type": "array", "items": {"type": "string"}, "description": "Whom terminals may ask access tokens for"},
            }),
            &["tenant", "label", "issuer", "client", "audiences"],
        ),
    })
}

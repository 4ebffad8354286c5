//! The server that the live tests share.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use realmwright::keycloak::WriteRealms;
use realmwright::keycloak::bootstrap::bootstrap;
use realmwright::keycloak::http::Server;
use realmwright::keycloak::key::OperatorKey;
use secrecy::{ExposeSecret, SecretString};

/// A running server and the operator key that it trusts.
pub struct Live {
    pub url: String,
    pub admin: (String, String),
    pub pem: SecretString,
    /// The key as a file, for the command line.
    pub key_file: PathBuf,
}

/// The server of this run.
pub fn live() -> &'static Live {
    static LIVE: OnceLock<Live> = OnceLock::new();
    LIVE.get_or_init(|| {
        let (url, admin) = match std::env::var("KEYCLOAK_URL") {
            Ok(url) => {
                let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| "admin".into());
                (url, (variable("KEYCLOAK_ADMIN_USER"), variable("KEYCLOAK_ADMIN_PASSWORD")))
            }
            Err(_) => start("keycloak"),
        };
        let pem = OperatorKey::generate().expect("a key");
        let key = OperatorKey::from_pem(&pem).expect("a key");
        let password = SecretString::from(admin.1.clone());
        runtime().block_on(bootstrap(&url, &admin.0, &password, &key, true, None)).expect("the server can be prepared");
        let key_file = scratch().join("operator.pem");
        std::fs::write(&key_file, pem.expose_secret()).expect("a file");
        Live { url, admin, pem, key_file }
    })
}

/// A directory of this run, below cargo's own; those of runs that have ended are removed, once their servers have too.
pub fn scratch() -> PathBuf {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for old in std::fs::read_dir(all).into_iter().flatten().flatten() {
        let name = old.file_name().to_string_lossy().into_owned();
        let ended = name.strip_prefix("live-").is_some_and(|pid| !runs(pid));
        if ended && Path::new("/proc").exists() && !is_watched(&old.path()) {
            let _ = std::fs::remove_dir_all(old.path());
        }
    }
    let dir = all.join(format!("live-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    dir
}

/// Whether a server's watcher, which needs the directory to stop it, is still at work.
fn is_watched(dir: &Path) -> bool {
    let servers = std::fs::read_dir(dir).into_iter().flatten().flatten();
    // Servers, and nodes of clusters.
    let places =
        servers.flat_map(|server| ["watch.pid", "one/watch.pid", "two/watch.pid"].map(|pid| server.path().join(pid)));
    let mut watchers = places.filter_map(|place| std::fs::read_to_string(place).ok());
    watchers.any(|pid| runs(pid.trim()))
}

fn runs(pid: &str) -> bool {
    Path::new("/proc").join(pid).exists()
}

/// Starts a server that ends with this process, however that ends.
pub fn start(name: &str) -> (String, (String, String)) {
    start_version(name, None)
}

/// The same of another version, if one is named; on the data that one of this name left.
pub fn start_version(name: &str, version: Option<&str>) -> (String, (String, String)) {
    script("keycloak", name, "start", version.map(|version| ("KEYCLOAK_VERSION", version)));
    started(name)
}

/// Stops a server that was started, and starts it at the same address.
pub fn restart(name: &str, url: &str) {
    script("keycloak", name, "stop", None);
    let port = url.rsplit(':').next().expect("a port");
    script("keycloak", name, "start", Some(("KEYCLOAK_PORT", port)));
}

/// Carries out a command of a script in `keycloak-dev`.
pub fn script(script: &str, name: &str, command: &str, variable: Option<(&str, &str)>) {
    let status = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("keycloak-dev").join(script))
        .args(command.split(' '))
        .env_remove("KEYCLOAK_URL")
        .env("KEYCLOAK_STATE", scratch().join(name))
        .env("KEYCLOAK_PORT", "0")
        .env("KEYCLOAK_OWNER", std::process::id().to_string())
        .envs(variable)
        .stdout(std::io::stderr())
        .status()
        .expect("the script can be run");
    assert!(status.success(), "{script} {command} of {name}");
}

/// Where the server of this name is, and its administrator.
pub fn started(name: &str) -> (String, (String, String)) {
    let state = scratch().join(name);
    let env = std::fs::read_to_string(state.join("env")).expect("the server's address");
    let value = |name: &str| {
        let line = env.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).expect("a variable");
        line.trim_matches(['"', '\'']).to_owned()
    };
    (value("KEYCLOAK_URL"), (value("KEYCLOAK_ADMIN_USER"), value("KEYCLOAK_ADMIN_PASSWORD")))
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// A name that no other test or run uses.
pub fn unique(name: &str) -> String {
    let name: String = name.replace('_', "-").chars().take(40).collect();
    format!("{}-{}", name.trim_end_matches('-'), &uuid::Uuid::new_v4().simple().to_string()[..8])
}

/// A connection of one's own to the shared server.
pub async fn connect() -> Server {
    let key = OperatorKey::from_pem(&live().pem).expect("a key");
    Server::connect(&live().url, key, None).await.expect("the server answers")
}

/// Runs a test that may create one realm, and removes it and the lanes afterwards.
pub fn with_realm<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Arc<Server>, String, String) -> F) {
    live();
    runtime().block_on(async {
        let api = Arc::new(connect().await);
        let realm = unique(name);
        let jwks = api.key().jwks().to_owned();
        test(api.clone(), jwks, realm.clone()).await;
        api.delete(&realm, "", None).await.expect("the realm can be removed");
        api.finish().await.expect("the lanes can be removed");
    });
}

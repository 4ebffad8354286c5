//! `examples/proxy/nginx.conf`, with the nginx of this machine in front of an application that knows nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::stage::Stage;
use crate::support::browser::Browser;

/// A proxy that ends with this value.
pub struct Proxy(pub Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// A program of this machine; nothing, with a word, where there is none.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = dirs.map(|dir: PathBuf| dir.join(name)).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: there is no {name} on this machine");
    }
    found
}

pub fn free_port() -> u16 {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    free.local_addr().expect("an address").port()
}

/// The example with the addresses of this test, in a configuration that needs nothing of the machine.
fn configuration(dir: &Path, port: u16, broker: u16, application: u16) -> PathBuf {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/proxy/nginx.conf");
    let mut server = std::fs::read_to_string(example).expect("the example");
    for (from, to) in [
        ("listen 443 ssl", format!("listen 127.0.0.1:{port}")),
        ("server_name login.acme.example", "server_name localhost".into()),
        ("    ssl_certificate     /etc/ssl/login.acme.example.pem;\n", String::new()),
        ("    ssl_certificate_key /etc/ssl/login.acme.example.key;\n", String::new()),
        ("127.0.0.1:9000", format!("127.0.0.1:{broker}")),
        ("127.0.0.1:3000", format!("127.0.0.1:{application}")),
    ] {
        assert!(server.contains(from), "{from}");
        server = server.replace(from, &to);
    }
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths = paths.map(|name| format!("{name}_temp_path {}/{name};\n", dir.display())).concat();
    let own = dir.display();
    let text = format!(
        "daemon off;\nmaster_process off;\npid {own}/pid;\nerror_log {own}/error.log;\nevents {{}}\nhttp {{\naccess_log off;\n{paths}{server}}}\n"
    );
    let file = dir.join("nginx.conf");
    std::fs::write(&file, text).expect("a file");
    file
}

/// An application that tells the headers that it was sent, and the path.
pub async fn application() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let tell = async |headers: HeaderMap, uri: axum::http::Uri| {
        let sent = headers.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes())));
        let sent: std::collections::BTreeMap<_, _> = sent.collect();
        axum::Json(json!({"path": uri.to_string(), "headers": sent}))
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(tell).into_make_service()).await });
    port
}

/// Waits until something listens there.
pub async fn answers(port: u16) {
    let there = SocketAddr::from(([127, 0, 0, 1], port));
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(there).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nobody listens at {there}");
}

/// Logs somebody in through a proxy, looks at what the application is told, and logs them out.
pub async fn in_and_out(stage: &Stage) -> Browser {
    // Who is nobody is sent to the login, and comes back to where they wanted to go.
    let mut browser = Browser::new();
    let wanted = format!("{}/reports?a=1&b=%2F2", stage.url);
    let page = async |browser: &mut Browser| browser.send("GET", &wanted, &[("accept", "text/html")], None).await;
    let sent = page(&mut browser).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    let choose = sent.location();
    assert_eq!(choose, "/t?back=%2Freports%3Fa%3D1%26b%3D%252F2");
    let choosing = browser.get(&format!("{}{choose}", stage.url)).await;
    assert!(choosing.body.contains(r#"name="back" value="/reports?a=1&#38;b=%2F2""#), "{}", choosing.body);
    let entry = format!("{}/t/acme?{}", stage.url, choose.split_once('?').expect("a query").1);
    let back = stage.begun(&mut browser, &entry).await;
    assert_eq!(browser.get(&back).await.location(), "/reports?a=1&b=%2F2");

    // The application is told who it is, whatever a client says.
    let lies = [
        ("x-auth-user", "root"),
        ("X-Auth-Email", "root@evil.example"),
        ("x_auth_user", "root"),
        ("x-auth_user", "root"),
        ("x_auth-user", "root"),
        ("x-auth-login", "x"),
    ];
    let seen = browser.send("GET", &wanted, &lies, None).await;
    let seen: Value = serde_json::from_str(&seen.body).expect("the application's answer");
    assert_eq!(seen["path"], "/reports?a=1&b=%2F2");
    let headers = &seen["headers"];
    assert_eq!((&headers["x-auth-tenant"], &headers["x-auth-user"]), (&json!("acme"), &json!("jo")));
    assert_eq!((&headers["x-auth-subject"], &headers["x-auth-email"]), (&json!("acme-user"), &json!("jo@example.com")));
    assert!(!headers.to_string().contains("root"), "{headers}");

    // Out.
    let origin = [("origin", stage.url.as_str())];
    assert_eq!(browser.send("POST", &format!("{}/logout", stage.url), &origin, None).await.status, 303);
    assert_eq!(page(&mut browser).await.status, 303);
    browser
}

#[tokio::test]
async fn nginx_asks_the_broker_and_tells_the_application() {
    let Some(program) = program("nginx") else {
        assert!(std::env::var_os("CI").is_none(), "CI needs an nginx");
        return;
    };
    let dir = tempfile::tempdir().expect("a directory");
    let port = free_port();
    let stage = Stage::behind(port, &["127.0.0.1/32"]).await;
    let file = configuration(dir.path(), port, stage.port, application().await);
    let args =
        ["-p", &dir.path().display().to_string(), "-e", "stderr", "-c", &file.display().to_string()].map(str::to_owned);
    let _nginx = Proxy(Command::new(program).args(args).spawn().expect("nginx runs"));
    answers(port).await;
    let mut browser = in_and_out(&stage).await;
    let outside = browser.get(&format!("{}/broker-auth", stage.url)).await;
    assert_eq!(outside.status, 404, "what nginx asks the broker is not for browsers");
}

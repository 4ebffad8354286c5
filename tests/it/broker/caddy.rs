//! `examples/proxy/Caddyfile`, with the Caddy of this machine in front of an application that knows nothing.

use std::path::Path;
use std::process::{Command, Stdio};

use super::nginx::{Proxy, answers, application, free_port, in_and_out, program};
use super::stage::Stage;

/// The example with the addresses of this test, in a configuration that needs nothing of the machine.
fn configuration(port: u16, broker: u16, application: u16) -> String {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/proxy/Caddyfile");
    let mut site = std::fs::read_to_string(example).expect("the example");
    for (from, to) in [
        ("login.acme.example {", format!("http://localhost:{port} {{\n\tbind 127.0.0.1")),
        ("127.0.0.1:9000", format!("127.0.0.1:{broker}")),
        ("127.0.0.1:3000", format!("127.0.0.1:{application}")),
    ] {
        assert!(site.contains(from), "{from}");
        site = site.replace(from, &to);
    }
    format!("{{\n\tadmin off\n}}\n{site}")
}

#[tokio::test]
async fn caddy_asks_the_broker_and_tells_the_application() {
    let Some(program) = program("caddy") else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let port = free_port();
    let stage = Stage::behind(port, &["127.0.0.1/32"]).await;
    let file = dir.path().join("Caddyfile");
    std::fs::write(&file, configuration(port, stage.port, application().await)).expect("a file");
    let mut caddy = Command::new(program);
    caddy.args(["run", "--adapter", "caddyfile", "--config"]).arg(file).env("HOME", dir.path());
    caddy.env("XDG_DATA_HOME", dir.path()).env("XDG_CONFIG_HOME", dir.path()).stderr(Stdio::null());
    let _caddy = Proxy(caddy.spawn().expect("Caddy runs"));
    answers(port).await;
    let mut browser = in_and_out(&stage).await;
    let nobody = browser.get(&format!("{}/auth", stage.url)).await;
    assert_eq!(nobody.status, 401, "what Caddy asks the broker is not for browsers, and this is none");
}

//! A real Chromium, driven by WebDriver, for what only a browser can say: which cookies it keeps, what a page looks like, and
//! whether a person without a mouse gets through.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::Url;

use crate::broker::free_port;

/// A browser with nothing in it, which ends with this value.
pub struct Chromium {
    pub driver: Client,
    program: Child,
    _profile: tempfile::TempDir,
}

impl Chromium {
    /// Starts one. Where there is none, nothing, with a word; in CI that is a failure.
    pub async fn start() -> Option<Self> {
        Self::trusting(None).await
    }

    /// The same, which believes certificates of this key, though nobody vouches for them.
    pub async fn trusting(key: Option<&str>) -> Option<Self> {
        let port = free_port();
        let spawned = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let program = match spawned {
            Ok(program) => program,
            Err(error) if std::env::var_os("CI").is_none() => {
                eprintln!("skipped: there is no Chromium (package chromium-driver): {error}");
                return None;
            }
            Err(error) => panic!("CI needs a Chromium (package chromium-driver): {error}"),
        };
        let profile = tempfile::tempdir().expect("a directory");
        let options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--lang=en",
            &format!("--user-data-dir={}", profile.path().display()),
        ]
        .map(str::to_owned);
        let options: Vec<String> =
            options.into_iter().chain(key.map(|key| format!("--ignore-certificate-errors-spki-list={key}"))).collect();
        let wanted = json!({"browserName": "chrome", "goog:chromeOptions": {"args": options}});
        let url = format!("http://127.0.0.1:{port}");
        for _ in 0..100 {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(wanted.as_object().expect("a map").clone());
            match builder.connect(&url).await {
                Ok(driver) => return Some(Self { driver, program, _profile: profile }),
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
        panic!("no session with the Chromium at {url}");
    }

    pub async fn go(&self, url: &str) {
        self.driver.goto(url).await.expect("a page");
    }

    /// Where it is.
    pub async fn url(&self) -> String {
        self.driver.current_url().await.expect("an address").to_string()
    }

    /// Waits until it is at such an address.
    pub async fn arrives(&self, part: &str) {
        for _ in 0..100 {
            if self.url().await.contains(part) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("not at {part} but at {}:\n{}", self.url().await, self.text().await);
    }

    /// What can be read.
    pub async fn text(&self) -> String {
        self.script("return document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until something can be read.
    pub async fn reads(&self, part: &str) {
        for _ in 0..100 {
            if self.text().await.contains(part) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{part:?} is not to be read at {}:\n{}", self.url().await, self.text().await);
    }

    pub async fn script(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.expect("run")
    }

    /// Types into whatever has the focus, as a person without a mouse does.
    pub async fn types(&self, keys: &str) {
        let keys = keys.chars().flat_map(|value| [KeyAction::Down { value }, KeyAction::Up { value }]);
        let typing = keys.fold(KeyActions::new("keyboard".into()), |typing, key| typing.then(key));
        self.driver.perform_actions(typing).await.expect("typed");
    }

    pub async fn clicks(&self, selector: &str) {
        self.driver.find(Locator::Css(selector)).await.expect("there").click().await.expect("clicked");
    }

    pub async fn tells(&self, command: &str, parameters: Value) {
        self.driver.issue_cmd(Devtools(json!({"cmd": command, "params": parameters}))).await.expect("told");
    }

    /// A language, a kind of screen, and its size.
    pub async fn shows(&self, language: &str, scheme: &str, width: u32, height: u32) {
        let agent = self.script("return navigator.userAgent").await;
        self.tells("Emulation.setUserAgentOverride", json!({"userAgent": agent, "acceptLanguage": language})).await;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.tells("Emulation.setEmulatedMedia", features).await;
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.tells("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Whether the page may draw what is at an address.
    pub async fn draws(&self, url: &str) -> bool {
        let script = "const [url, done] = arguments; const image = new Image(); image.onload = () => done(true); \
                      image.onerror = () => done(false); image.src = url;";
        self.driver.execute_async(script, vec![json!(url)]).await.expect("run") == json!(true)
    }

    /// How much of a picture has this colour, in thousandths. It leaves the page for that.
    pub async fn thousandths(&self, picture: &[u8], colour: [u8; 3]) -> u64 {
        self.go("about:blank").await;
        let picture = format!("data:image/png;base64,{}", STANDARD.encode(picture));
        let found = self.driver.execute_async(include_str!("browser/colour.js"), vec![json!(picture), json!(colour)]);
        found.await.expect("run").as_u64().expect("a number")
    }

    /// Keeps what is to be seen, in target/screenshots, and looks for what shuts people out. Gives the picture.
    pub async fn keeps(&self, name: &str) -> Vec<u8> {
        let version = std::env::var("KEYCLOAK_VERSION").map_or_else(|_| String::new(), |version| format!("{version}-"));
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
        std::fs::create_dir_all(&dir).expect("a directory");
        // Pictures and transitions take a moment.
        tokio::time::sleep(Duration::from_millis(400)).await;
        let picture = self.driver.screenshot().await.expect("a picture");
        std::fs::write(dir.join(format!("{version}{name}.png")), &picture).expect("a file");
        let faults = self.script(include_str!("browser/faults.js")).await;
        assert_eq!(faults, json!([]), "{name}, at {}", self.url().await);
        picture
    }
}

/// A command of the Chrome DevTools Protocol, which WebDriver has no word for.
#[derive(Debug)]
struct Devtools(Value);

impl WebDriverCompatibleCommand for Devtools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.0.to_string()))
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // A driver that is killed leaves its browser running.
        let browser = self.driver.capabilities().and_then(|known| known.get("goog:processID")?.as_u64());
        for id in browser.into_iter().chain([self.program.id().into()]) {
            let _ = Command::new("kill").arg(id.to_string()).status();
        }
        let _ = self.program.wait();
    }
}

//! A mail server that takes every mail and keeps it, for what a realm sends to its users.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub struct Mails {
    pub port: u16,
    kept: Arc<Mutex<Vec<String>>>,
}

impl Mails {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let into = kept.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let into = into.clone();
                std::thread::spawn(move || take(&stream, &into));
            }
        });
        Self { port, kept }
    }

    /// The link to a path in the next mail, which is taken out.
    pub fn link(&self, path: &str) -> String {
        for _ in 0..100 {
            if let Some(mail) = self.kept.lock().unwrap().pop() {
                let plain = mail.replace("=\r\n", "").replace("=3D", "=");
                let link = plain.split_whitespace().find(|word| word.starts_with("http") && word.contains(path));
                return link.unwrap_or_else(|| panic!("no link: {plain}")).to_owned();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("no mail came");
    }
}

/// One connection (RFC 5321), as far as Keycloak needs it.
fn take(stream: &TcpStream, kept: &Mutex<Vec<String>>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let say = |text: &str| { stream }.write_all(format!("{text}\r\n").as_bytes()).ok();
    say("220 here")?;
    while let Some(Ok(line)) = lines.next() {
        match line.get(..4).unwrap_or_default().to_uppercase().as_str() {
            "DATA" => {
                say("354 go on")?;
                let body: Vec<String> = lines.by_ref().map_while(Result::ok).take_while(|line| line != ".").collect();
                kept.lock().unwrap().push(body.join("\r\n"));
                say("250 kept")?;
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 yes")?,
        }
    }
    None
}

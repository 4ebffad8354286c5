//! A name server on this machine that knows TXT records, and counts who asks.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Known {
    texts: BTreeMap<String, String>,
    asked: usize,
    /// Whether it says that it can't tell.
    broken: bool,
}

#[derive(Clone)]
pub struct NameServer {
    pub address: SocketAddr,
    known: Arc<Mutex<Known>>,
}

impl NameServer {
    pub fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let server = Self { address: socket.local_addr().expect("an address"), known: Arc::default() };
        let own = server.clone();
        std::thread::spawn(move || {
            let mut query = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut query) {
                let _ = socket.send_to(&own.answer(&query[..length]), from);
            }
        });
        server
    }

    /// Puts a record there, or takes it away.
    pub fn set(&self, name: &str, text: Option<&str>) {
        let mut known = self.known.lock().unwrap();
        match text {
            Some(text) => drop(known.texts.insert(name.to_owned(), text.to_owned())),
            None => drop(known.texts.remove(name)),
        }
    }

    pub fn break_down(&self, broken: bool) {
        self.known.lock().unwrap().broken = broken;
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.known.lock().unwrap().asked
    }

    /// The answer to a query (RFC 1035 §4).
    fn answer(&self, query: &[u8]) -> Vec<u8> {
        let (mut name, mut at) = (Vec::new(), 12);
        while query[at] != 0 {
            let length = usize::from(query[at]);
            name.push(String::from_utf8_lossy(&query[at + 1..at + 1 + length]).to_lowercase());
            at += length + 1;
        }
        let question = &query[12..at + 5];
        let mut known = self.known.lock().unwrap();
        known.asked += 1;
        let text = known.texts.get(&name.join(".")).filter(|_| !known.broken);
        let code = match (known.broken, text) {
            (true, _) => 2,
            (false, None) => 3,
            (false, Some(_)) => 0,
        };
        let mut answer = query[..2].to_vec();
        answer.extend([0x85, 0x80 | code, 0, 1, 0, u8::from(text.is_some()), 0, 0, 0, 0]);
        answer.extend(question);
        if let Some(text) = text {
            let length = u8::try_from(text.len()).expect("short");
            // The name of the question, TXT, IN, a minute.
            answer.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, length + 1, length]);
            answer.extend(text.bytes());
        }
        answer
    }
}

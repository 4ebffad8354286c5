//! A proxy on this machine that numbers the requests which pass, and does to one of them, or to all of a kind, what
//! networks, gateways and dying processes do.
//!
//! Before several servers it gives each request to the next one that takes its connection, as a balancer does.
//!
//! Every request has a connection of its own, and the name that the client called the server by is passed on: Keycloak
//! makes its issuers of it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// No request and no answer is waited for longer.
const PATIENCE: Duration = Duration::from_secs(150);

/// What is done to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The program is killed before the request is passed on.
    KillBefore,
    /// The program is killed after the server acted, before it is answered.
    KillAfter,
    /// The server acts, and the connection ends without an answer.
    Lost,
    /// The connection is reset; nothing reaches the server.
    Reset,
    /// The request is passed on later.
    Late(Duration),
    /// The answer comes in twenty pieces, with a pause before each.
    Trickle(Duration),
    /// The server acts; its answer ends in the middle.
    Half,
    /// A page of this status instead of an answer: with 200, nothing reaches the server; otherwise it acts.
    Page(u16),
    /// The server acts; half of its answer is followed by an error object, with status 200.
    Broken,
    /// 503 with `Retry-After`; nothing reaches the server.
    Unavailable,
    /// 401; nothing reaches the server.
    Expired,
}

/// Which requests it is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// The one of this number, from 1 on.
    Number(usize),
    /// The ones whose numbers this divides.
    Every(usize),
    /// The first of this method whose path contains this.
    First(&'static str, String),
}

/// A request that passed: its method, and its path with the query.
pub type Passed = (String, String);

#[derive(Default)]
struct State {
    passed: Vec<Passed>,
    fault: Option<(At, Fault)>,
    /// How often the fault was done.
    done: usize,
    /// Requests that are not answered yet.
    open: usize,
    /// The program that is killed.
    program: Option<u32>,
}

struct Shared {
    servers: Vec<String>,
    state: Mutex<State>,
    changed: Condvar,
}

/// The proxy. Its threads end with the process.
pub struct Proxy {
    /// Its address, as the server's base URL.
    pub url: String,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Starts one before the server at a base URL, which is plain HTTP without a path.
    pub fn start(server: &str) -> Self {
        Self::before(&[server])
    }

    /// Starts one before several servers.
    pub fn before(servers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let address = |url: &&str| url.trim_end_matches('/').strip_prefix("http://").expect("plain HTTP").to_owned();
        let servers = servers.iter().map(address).collect();
        let shared = Arc::new(Shared { servers, state: Mutex::default(), changed: Condvar::new() });
        let passing = shared.clone();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = passing.clone();
                thread::spawn(move || pass(&shared, connection));
            }
        });
        Self { url, shared }
    }

    /// Counts anew, and does this from now on.
    pub fn arm(&self, fault: Option<(At, Fault)>) {
        *self.shared.lock() = State { fault, ..State::default() };
    }

    /// This is the program that faults kill.
    pub fn aim(&self, program: u32) {
        self.shared.lock().program = Some(program);
        self.shared.changed.notify_all();
    }

    /// What passed since it was armed.
    pub fn passed(&self) -> Vec<Passed> {
        self.shared.lock().passed.clone()
    }

    /// How often the fault was done since then.
    pub fn done(&self) -> usize {
        self.shared.lock().done
    }

    /// Waits until so many requests of this method and path have come.
    pub fn wait_for(&self, count: usize, method: &str, path: &str) {
        let come = |state: &State| state.passed.iter().filter(|(m, p)| m == method && p == path).count() >= count;
        assert!(!self.shared.wait(|state| !come(state)).1, "fewer than {count} of {method} {path}");
    }

    /// Waits until the server has answered all that was passed on.
    pub fn settle(&self) {
        assert!(!self.shared.wait(|state| state.open > 0).1, "the server does not answer");
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    /// Waits as long as this holds; whether it was for too long.
    fn wait(&self, holds: impl Fn(&State) -> bool) -> (MutexGuard<'_, State>, bool) {
        let (state, late) =
            self.changed.wait_timeout_while(self.lock(), PATIENCE, |state| holds(state)).expect("not poisoned");
        (state, late.timed_out())
    }

    /// A request has come: what is done to it.
    fn come(&self, request: Passed) -> Option<Fault> {
        let mut state = self.lock();
        state.passed.push(request.clone());
        state.open += 1;
        let number = state.passed.len();
        let is = |method: &str, path: &str| method == request.0 && request.1.contains(path);
        let hit = state.fault.as_ref().is_some_and(|(at, _)| match at {
            At::Number(wanted) => *wanted == number,
            At::Every(step) => number.is_multiple_of(*step),
            At::First(method, path) => state.done == 0 && is(method, path),
        });
        state.done += usize::from(hit);
        self.changed.notify_all();
        state.fault.as_ref().filter(|_| hit).map(|(_, fault)| *fault)
    }

    fn kill(&self) {
        let (state, _) = self.wait(|state| state.program.is_none());
        let program = state.program.expect("a program was named");
        let killed = Command::new("kill").args(["-KILL", &program.to_string()]).status().expect("kill can be run");
        assert!(killed.success(), "the program {program} had ended");
    }

    /// A connection to the next server; to another one, where that takes none.
    fn connect(&self) -> std::io::Result<TcpStream> {
        let next = self.lock().passed.len();
        let turn = self.servers.iter().cycle().skip(next % self.servers.len()).take(self.servers.len());
        let mut last = Err(std::io::ErrorKind::ConnectionRefused.into());
        for server in turn {
            last = TcpStream::connect(server);
            if last.is_ok() {
                break;
            }
        }
        last
    }

    /// Sends the request to the server; its whole answer.
    fn forward(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut server = self.connect()?;
        server.set_read_timeout(Some(PATIENCE))?;
        server.write_all(request)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

/// Passes one request on, or does something to it. What fails here ends the connection, as it would without a proxy.
fn pass(shared: &Shared, mut client: TcpStream) {
    let _ = client.set_read_timeout(Some(PATIENCE));
    let Some(request) = first_line(&client) else { return };
    let fault = shared.come(request);
    // Dropped unread, it is reset.
    if fault != Some(Fault::Reset) {
        let _ = answered(shared, &mut client, fault);
        let _ = client.shutdown(Shutdown::Write);
    }
    shared.lock().open -= 1;
    shared.changed.notify_all();
}

fn answered(shared: &Shared, client: &mut TcpStream, fault: Option<Fault>) -> std::io::Result<()> {
    let request = whole(client)?;
    match fault {
        Some(Fault::KillBefore) => {
            shared.kill();
            return Ok(());
        }
        Some(Fault::Late(pause)) => thread::sleep(pause),
        Some(Fault::Page(200)) => return client.write_all(&page(200)),
        Some(Fault::Unavailable) => {
            return client.write_all(&answer("503 Service Unavailable\r\nRetry-After: 1", "text/plain", b"busy", 0));
        }
        Some(Fault::Expired) => {
            let body = br#"{"error":"HTTP 401 Unauthorized"}"#;
            return client.write_all(&answer("401 Unauthorized", "application/json", body, 0));
        }
        _ => {}
    }
    let answered = shared.forward(&request)?;
    match fault {
        Some(Fault::KillAfter) => shared.kill(),
        Some(Fault::Lost) => {}
        Some(Fault::Page(status)) => client.write_all(&page(status))?,
        Some(Fault::Half) => {
            let (status, body) = parts(&answered);
            client.write_all(&answer(&status, "application/json", &body[..body.len() / 2], body.len() + 1))?;
        }
        Some(Fault::Broken) => {
            let (_, body) = parts(&answered);
            let broken = [&body[..body.len() / 2], br#"{"error":"unknown_error"}"#].concat();
            client.write_all(&answer("200 OK", "application/json", &broken, 0))?;
        }
        Some(Fault::Trickle(pause)) => {
            for piece in answered.chunks(answered.len().div_ceil(20).max(1)) {
                thread::sleep(pause);
                client.write_all(piece)?;
            }
        }
        _ => client.write_all(&answered)?,
    }
    Ok(())
}

/// The method and path of the request that waits in a connection, which stays there.
fn first_line(client: &TcpStream) -> Option<Passed> {
    let mut start = [0; 4096];
    loop {
        let read = client.peek(&mut start).ok().filter(|read| *read > 0)?;
        let text = String::from_utf8_lossy(&start[..read]);
        if let Some((line, _)) = text.split_once("\r\n") {
            let mut words = line.split(' ').map(str::to_owned);
            return Some((words.next()?, words.next()?));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The whole request, which asks for the connection to be ended after it.
fn whole(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let (mut request, mut piece) = (Vec::new(), [0; 16_384]);
    loop {
        if let Some(end) = head(&request) {
            let text = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
            assert!(!text.contains("\r\ntransfer-encoding:"), "the program says how long its bodies are");
            let length = text.split("\r\ncontent-length:").nth(1).and_then(|rest| rest.lines().next());
            let length: usize = length.map_or(0, |length| length.trim().parse().expect("a length"));
            if request.len() >= end + 4 + length {
                request.splice(end..end, b"\r\nConnection: close".iter().copied());
                return Ok(request);
            }
        }
        match client.read(&mut piece)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => request.extend_from_slice(&piece[..read]),
        }
    }
}

/// Where the head of a message ends.
fn head(message: &[u8]) -> Option<usize> {
    message.windows(4).position(|four| four == b"\r\n\r\n")
}

/// The status of an answer, and its body without the marks of its pieces.
fn parts(answer: &[u8]) -> (String, Vec<u8>) {
    let end = head(answer).expect("a whole head");
    let text = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = text.lines().next().and_then(|line| line.split_once(' ')).expect("a status").1.to_owned();
    let mut rest = &answer[end + 4..];
    if !text.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return (status, rest.to_vec());
    }
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let length = usize::from_str_radix(String::from_utf8_lossy(&rest[..line]).trim(), 16).unwrap_or(0);
        if length == 0 {
            break;
        }
        body.extend_from_slice(&rest[line + 2..line + 2 + length]);
        rest = &rest[line + 4 + length..];
    }
    (status, body)
}

/// An answer that says that it is as long as this, or as its body.
fn answer(status: &str, kind: &str, body: &[u8], length: usize) -> Vec<u8> {
    let length = length.max(body.len());
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn page(status: u16) -> Vec<u8> {
    let body = b"<!DOCTYPE html><html><body><h1>Sign in to the network</h1></body></html>";
    answer(&format!("{status} Page"), "text/html", body, 0)
}

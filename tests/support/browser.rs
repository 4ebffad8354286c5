//! A browser as far as the broker can tell one: keeps cookies by host, sends nothing that it was not told, follows nothing.

use std::collections::BTreeMap;

use reqwest::header::{HOST, LOCATION, SET_COOKIE};

/// What a server answered.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn location(&self) -> String {
        self.header(LOCATION.as_str()).unwrap_or_else(|| panic!("no redirect but {}: {}", self.status, self.body))
    }

    pub fn header(&self, name: &str) -> Option<String> {
        Some(String::from_utf8_lossy(self.headers.get(name)?.as_bytes()).into_owned())
    }

    pub fn cookies(&self) -> Vec<String> {
        self.headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().expect("ASCII").to_owned()).collect()
    }
}

#[derive(Clone, Default)]
pub struct Browser {
    client: reqwest::Client,
    /// By host, with the path of those that are for a part of it, and name.
    pub cookies: BTreeMap<(String, String), String>,
    /// The port that is asked in place of those of the addresses, as a proxy would.
    through: Option<u16>,
}

impl Browser {
    pub fn new() -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        Self { client: client.build().expect("a client"), cookies: BTreeMap::new(), through: None }
    }

    /// The same browser, which finds another port behind every address.
    pub fn through(&self, port: u16) -> Self {
        Self { through: Some(port), ..self.clone() }
    }

    pub async fn get(&mut self, url: &str) -> Answer {
        self.send("GET", url, &[], None).await
    }

    /// Sends a request with these headers beside `Host` and the cookies, and keeps the cookies of the answer.
    pub async fn send(&mut self, method: &str, url: &str, headers: &[(&str, &str)], body: Option<String>) -> Answer {
        let mut there = url::Url::parse(url).expect("a URL");
        let (host, path) = (there.authority().to_owned(), there.path().to_owned());
        // Names below localhost are this machine, whatever the resolver says.
        there.set_host(Some("127.0.0.1")).expect("an address");
        if let Some(port) = self.through {
            there.set_port(Some(port)).expect("a port");
        }
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .filter(|((of, _), _)| *of == host || (of.contains('/') && format!("{host}{path}").starts_with(of)))
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let mut request = self.client.request(method.parse().expect("a method"), there).header(HOST, &host);
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        }
        let reply = request.send().await.expect("an answer");
        let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
        let answer = Answer { status, headers, body: reply.text().await.expect("a text") };
        for cookie in answer.cookies() {
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
            let part = cookie.split(';').find_map(|word| word.trim().strip_prefix("Path=")).filter(|path| *path != "/");
            let place = (format!("{host}{}", part.unwrap_or_default()), name.to_owned());
            match cookie.contains("Max-Age=0") {
                true => self.cookies.remove(&place),
                false => self.cookies.insert(place, value.to_owned()),
            };
        }
        answer
    }

    /// The value of a cookie, whatever its host.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.iter().find(|((_, known), _)| known.starts_with(name)).map(|(_, value)| value.clone())
    }
}

//! Where a browser may be sent after a login: to a path of the same host, and nowhere else.

use url::Url;

/// The longest target that is kept.
const LONGEST: usize = 2000;

/// What was asked for, if it is a path of `origin`, however browsers, proxies and applications will read it.
pub fn target(asked: &str, origin: &Url) -> Option<String> {
    let visible = asked.bytes().all(|byte| byte.is_ascii_graphic());
    if asked.len() > LONGEST || !asked.starts_with('/') || !visible || leads_out(asked) {
        return None;
    }
    // Whoever comes next may decode the path once more.
    let mut decoded = path(asked).as_bytes().to_vec();
    for _ in 0..3 {
        decoded = percent_decoded(&decoded);
        let text = String::from_utf8_lossy(&decoded);
        if leads_out(&text) || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return None;
        }
    }
    let url = origin.join(asked).ok().filter(|url| url.origin() == origin.origin())?;
    let text = url.as_str().get(url.origin().ascii_serialization().len()..)?;
    (text.starts_with('/') && !leads_out(text)).then(|| text.to_owned())
}

fn path(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}

/// Whether something in it is read as the begin of a host, or climbs: `\`, `//`, a step that is nothing but dots.
fn leads_out(text: &str) -> bool {
    let steps = || text.split('/').skip(1);
    let climbs = |step: &str| matches!(step, "." | "..");
    text.contains('\\') || text.contains("//") || steps().any(climbs) || path(text).split('/').skip(1).any(climbs)
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high * 16 + low);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_same_host_are_kept() {
        let origin = Url::parse("https://acme.app.example").expect("good");
        for good in ["/", "/a", "/a/b?x=1&y=%2Fz#part", "/caf%C3%A9", "/a+b/~c;d=1", "/.well-known/x", "/a..b"] {
            assert_eq!(target(good, &origin).as_deref(), Some(good));
        }
        assert_eq!(target(&format!("/{}", "a".repeat(LONGEST)), &origin), None);
    }
}

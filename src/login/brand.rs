//! What a tenant looks like where its users log in.

use std::fmt;

use url::Url;

/// The longest address of an image or a document.
const LONGEST: usize = 500;

/// A tenant's brand, as the broker's pages show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// The colour of buttons.
    pub primary: Option<Colour>,
    /// Its logo.
    pub logo: Option<Url>,
    /// Its terms of use.
    pub terms: Option<Url>,
    /// Its privacy policy.
    pub privacy: Option<Url>,
}

impl Brand {
    /// Reads it from what manifests say of each part; what can't be shown is left out.
    pub fn read<'a>(said: impl Fn(&str) -> Option<&'a str>) -> Self {
        let at = |key: &str| said(key).and_then(address);
        let primary = said("primary").and_then(Colour::parse);
        Self { primary, logo: at("logo"), terms: at("terms"), privacy: at("privacy") }
    }
}

/// A colour of the web.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

impl Colour {
    const BLACK: Self = Self([0; 3]);
    const WHITE: Self = Self([255; 3]);

    /// Reads `#rrggbb`, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then_some(Self([part(0)?, part(2)?, part(4)?]))
    }

    /// Black or white, whichever is read better on it. One of them always has a contrast of at least 4.5, which is what WCAG
    /// 2.2 asks for (1.4.3): no colour is too far from both.
    pub fn text(self) -> Self {
        match self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) {
            true => Self::WHITE,
            false => Self::BLACK,
        }
    }

    /// The contrast with another colour, from 1 to 21 (WCAG 2.2, "contrast ratio").
    pub fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance() + 0.05, other.luminance() + 0.05);
        if one > other { one / other } else { other / one }
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| match f64::from(part) / 255.0 {
            part if part <= 0.04045 => part / 12.92,
            part => ((part + 0.055) / 1.055).powf(2.4),
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([red, green, blue]) = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// An address that pages may name: https, and made of nothing that means something in HTML, in CSS or in a header.
pub fn address(text: &str) -> Option<Url> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&*+=:@%/?".contains(&byte);
    let good = text.len() <= LONGEST && text.starts_with("https://") && text.bytes().all(plain);
    Url::parse(text).ok().filter(|url| good && url.has_host() && url.username().is_empty() && url.password().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_on_a_colour_can_be_read() {
        let on = |text: &str| Colour::parse(text).expect("a colour").text().to_string();
        assert_eq!(on("#ffcc00"), "#000000");
        assert_eq!(on("#0B5FFF"), "#ffffff");
        for red in (0..=255).step_by(15) {
            for green in (0..=255).step_by(15) {
                for blue in (0..=255).step_by(15) {
                    let colour = Colour([red, green, blue]);
                    assert!(colour.contrast(colour.text()) >= 4.5, "{colour}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_colour_is_none() {
        for text in ["", "#fff", "red", "#12345g", "#1234567", "#+12345", "#123456;}", "#12é456"] {
            assert_eq!(Colour::parse(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_hold_nothing_that_could_end_them() {
        assert!(address("https://cdn.example/logo.svg?v=2&w=200").is_some());
        for text in [
            "http://cdn.example/logo.svg",
            "javascript:alert(1)",
            "https://cdn.example/a b",
            "https://cdn.example/\"onload=x",
            "https://cdn.example/);x:url(",
            "https://cdn.example/;script-src",
            "https://cdn.example/,x",
            "https://me@cdn.example/x",
            "https://",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}

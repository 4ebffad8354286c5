//! Serials: sixteen symbols in four groups, such as `7K3M-Q9TX-2B4C-DWZH`, to be read aloud and typed.
//!
//! The symbols are Crockford's base 32, which has no I, L, O and U; in what is typed, O counts as 0, and I and L as 1. The
//! last symbol is a check: with the symbols as coefficients of a polynomial over GF(32), the whole serial is 0 at a
//! generator of the field. So one wrong symbol, or any two that changed places, never give another serial.

use std::fmt;

use super::refusal::Distrust;

const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Symbols that say something; one more checks them.
const SAID: usize = 15;

/// A serial in the form that this program gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial([u8; SAID + 1]);

impl Serial {
    /// The serial of a random number; its lowest 75 bits count.
    pub fn new(random: u128) -> Self {
        let mut digits = [0; SAID + 1];
        for (at, digit) in digits.iter_mut().take(SAID).enumerate() {
            *digit = u8::try_from(random >> (5 * at) & 31).unwrap_or_default();
        }
        digits[SAID] = times_generator(evaluated(&digits[..SAID]));
        Self(digits)
    }

    /// Reads what somebody typed. `None`: it does not have the form of one, and may be a serial of another maker.
    ///
    /// # Errors
    ///
    /// It has the form, and the check says that a symbol is wrong.
    pub fn typed(text: &str) -> Result<Option<Self>, Distrust> {
        let symbols = text.trim().chars().filter(|c| !matches!(c, '-' | ' '));
        let digits: Option<Vec<u8>> = symbols.map(digit).collect();
        let Some(Ok(digits)) = digits.map(<[u8; SAID + 1]>::try_from) else { return Ok(None) };
        match evaluated(&digits) {
            0 => Ok(Some(Self(digits))),
            _ => Err(Distrust::Mistyped),
        }
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, digit) in self.0.iter().enumerate() {
            if at > 0 && at % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(SYMBOLS[usize::from(*digit)]))?;
        }
        Ok(())
    }
}

fn digit(symbol: char) -> Option<u8> {
    let symbol = match symbol.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        symbol => symbol,
    };
    let at = SYMBOLS.iter().position(|known| char::from(*known) == symbol)?;
    u8::try_from(at).ok()
}

/// The polynomial whose coefficients are `digits`, the last one being constant, at the generator.
fn evaluated(digits: &[u8]) -> u8 {
    digits.iter().fold(0, |sum, digit| times_generator(sum) ^ digit)
}

/// In GF(32), as polynomials over GF(2) modulo x⁵ + x² + 1; the generator is x.
fn times_generator(value: u8) -> u8 {
    let doubled = value << 1;
    if doubled & 0b10_0000 == 0 { doubled } else { doubled ^ 0b10_0101 }
}

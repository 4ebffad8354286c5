//! A report that grows part by part, as long as there is room, and says at its top what there was no room for.

use std::fmt::Write;

/// Longest report, in bytes; services that take comments refuse longer ones at 65,536 characters.
const LIMIT: usize = 65_536;

/// Kept free for what ends a report, the note at its top, and what a pipeline puts before it.
const RESERVE: usize = 2_048;

/// The text so far, which takes a part only where it still fits.
pub(super) struct Page {
    heading: String,
    out: String,
    left_out: usize,
}

impl Page {
    /// A report with this for its heading.
    pub(super) fn new(heading: String) -> Self {
        Self { heading, out: String::new(), left_out: 0 }
    }

    fn room(&self) -> usize {
        (LIMIT - RESERVE).saturating_sub(self.heading.len() + self.out.len())
    }

    /// Adds a part whole, or not at all.
    pub(super) fn push(&mut self, part: &str) -> bool {
        let fits = part.len() <= self.room();
        if fits {
            self.out.push_str(part);
        } else {
            self.left_out += 1;
        }
        fits
    }

    /// Adds folded parts under a line of HTML, as many as fit, with a note about the rest.
    pub(super) fn fold(&mut self, summary: &str, open: bool, parts: &[String]) {
        let open = if open { " open" } else { "" };
        let mut body = format!("<details{open}><summary>{summary}</summary>\n\n");
        let room = self.room();
        let mut taken = 0;
        for part in parts {
            // The note and the end of the fold take less than this.
            if body.len() + part.len() + 160 > room {
                break;
            }
            body.push_str(part);
            taken += 1;
        }
        if taken < parts.len() {
            let _ = write!(body, "\n_{} more are left out here for their length._\n", parts.len() - taken);
        }
        body.push_str("\n</details>\n\n");
        let shown = taken > 0 || parts.is_empty();
        // What does not fit is counted by `push`.
        if !shown || (self.push(&body) && taken < parts.len()) {
            self.left_out += 1;
        }
    }

    /// The whole report; `command` shows all of what it is about.
    pub(super) fn finish(self, command: &str, end: &str) -> String {
        let Self { heading, out, left_out } = self;
        let note = if left_out == 0 {
            String::new()
        } else {
            format!(
                "> **This comment is not the whole of it:** {left_out} {} left out for {} length. `{command}` shows all.\n\n",
                if left_out == 1 { "part is" } else { "parts are" },
                if left_out == 1 { "its" } else { "their" },
            )
        };
        format!("{heading}{note}{out}{end}")
    }
}

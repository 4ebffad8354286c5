//! The shape of the code: who may use whom, and how large a file may grow.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules from the inside out; each may use those before it. The pure ones come first.
const LAYERS: [&str; 19] = [
    "diagnostic",
    "licence",
    "seal",
    "login",
    "manifest",
    "accounting",
    "state",
    "template",
    "expand",
    "authority",
    "plan",
    "import",
    "ledger",
    "keycloak",
    "apply",
    "doctor",
    "broker",
    "terminal",
    "cli",
];

/// How many of the layers are pure.
const PURE: usize = 12;

/// Of the pure layers, pairs that know each other: filling a template needs the manifests, resolving needs merging, and
/// references to secrets are a part of the state.
const NEIGHBOURS: [(&str, &str); 2] = [("manifest", "template"), ("template", "state")];

/// What pure code may not name.
const EFFECTS: [&str; 11] = [
    "tokio",
    "reqwest",
    "std::fs",
    "std::env",
    "std::net::Tcp",
    "SystemTime",
    "Instant",
    "std::process",
    "println!",
    "async fn",
    "uuid",
];

pub fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

pub fn each(mut check: impl FnMut(&str, &str, &str)) {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&src, &mut paths);
    assert!(paths.len() > 30);
    for path in paths {
        let name = path.strip_prefix(&src).expect("below").to_string_lossy().into_owned();
        let layer = name.split(['/', '.']).next().expect("a name").to_owned();
        check(&layer, &name, &fs::read_to_string(&path).expect("readable"));
    }
}

#[test]
fn modules_use_only_what_is_further_inside() {
    each(|layer, name, text| {
        let Some(own) = LAYERS.iter().position(|known| *known == layer) else { return };
        for (rank, other) in LAYERS.iter().enumerate().skip(own + 1) {
            let neighbours = NEIGHBOURS.contains(&(layer, other));
            let uses = text
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains(&format!("crate::{other}")));
            assert!(neighbours || !uses, "{name} (layer {own}) uses {other} (layer {rank})");
        }
    });
}

#[test]
fn the_pure_layers_have_no_effects() {
    each(|layer, name, text| {
        // Of the doctor, all but its questions.
        let judges = layer == "doctor" && name != "doctor/examine.rs";
        if judges || LAYERS.iter().take(PURE).any(|pure| *pure == layer) {
            for effect in EFFECTS {
                assert!(!text.contains(effect), "{name} names {effect}");
            }
        }
    });
}

#[test]
fn the_diff_knows_nothing_of_keycloak() {
    each(|_, name, text| {
        if name == "plan/diff.rs" {
            for kind in ["Kind::", "clientId", "attributes.", "redirectUris", "realm-management"] {
                assert!(!text.contains(kind), "{name} names {kind}");
            }
        }
    });
}

#[test]
fn the_table_of_kinds_is_in_their_order() {
    for spec in &realmwright::state::specs::SPECS {
        assert!(std::ptr::eq(spec.kind.spec(), spec), "{}", spec.name);
    }
}

#[test]
fn files_stay_small() {
    let mut sizes = Vec::new();
    each(|_, name, text| sizes.push((text.lines().count(), name.to_owned())));
    sizes.sort();
    let median = sizes[sizes.len() / 2].0;
    assert!(median <= 160, "the median file has {median} lines");
    let large: Vec<_> = sizes.iter().filter(|(lines, _)| *lines > 500).collect();
    assert!(large.is_empty(), "{large:?}");
}

#[test]
fn nothing_stops_the_program_in_passing() {
    each(|_, name, text| {
        for word in [".unwrap()", "todo!(", "unimplemented!(", "panic!("] {
            assert!(!text.contains(word), "{name} has {word}");
        }
    });
}

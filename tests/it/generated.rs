//! Generated documents are current, and examples are what they say they are. `make docs` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

use realmwright::manifest::{reference, schema};
use realmwright::plan::Plan;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn is_current(name: &str, text: &str) {
    let path = root().join("docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, text).expect("writable");
    }
    assert!(fs::read_to_string(&path).unwrap_or_default() == text, "docs/{name} is stale: run `make docs`");
}

fn pretty(schema: &serde_json::Value) -> String {
    serde_json::to_string_pretty(schema).expect("JSON") + "\n"
}

#[test]
fn the_reference_of_the_manifest_is_current() {
    is_current("manifest.md", &reference::markdown());
}

/// What `--help` says of every command.
#[test]
fn the_reference_of_the_command_line_is_current() {
    is_current("cli.md", &realmwright::cli::reference::markdown());
}

#[test]
fn the_schemas_are_current() {
    is_current("manifest.schema.json", &pretty(&schema::published()));
    is_current("plan.schema.json", &pretty(&schema::schema::<Plan>()));
}

fn yaml_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn every_example_names_the_schema_for_the_editor() {
    let mut files = Vec::new();
    yaml_files(&root().join("examples"), &mut files);
    assert!(files.len() > 10);
    for file in files {
        let text = fs::read_to_string(&file).expect("readable");
        let first = text.lines().next().unwrap_or_default();
        let named = first
            .strip_prefix("# yaml-language-server: $schema=")
            .unwrap_or_else(|| panic!("{} names no schema", file.display()));
        let schema = file.parent().expect("a parent").join(named);
        assert_eq!(
            schema.canonicalize().ok(),
            root().join("docs/manifest.schema.json").canonicalize().ok(),
            "{}",
            file.display()
        );
    }
}

#[test]
fn the_plan_of_a_birth_keeps_its_schema() {
    let world = crate::plan::world();
    let plan = futures_util::FutureExt::now_or_never(world.plan(&realmwright::keycloak::memory::MemoryKeycloak::new()))
        .expect("at once");
    let validator = jsonschema::draft202012::new(&schema::schema::<Plan>()).expect("a schema");
    assert!(validator.is_valid(&serde_json::to_value(&plan).expect("JSON")));
}

//! Generated documents are current, and examples are what they say they are. `make docs` writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use realmwright::cli::events::Event;
use realmwright::licence::{Command, Refusal};
use realmwright::manifest::{reference, schema};
use realmwright::plan::Plan;
use serde_json::Value;

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

#[test]
fn the_threat_model_is_current() {
    is_current("threat-model.md", &crate::broker::threats::markdown());
}

#[test]
fn the_description_of_the_broker_is_current() {
    is_current("openapi.json", &pretty(&realmwright::broker::openapi::document()));
}

#[test]
fn the_answers_to_asvs_are_current() {
    is_current("asvs.md", &crate::broker::asvs::markdown());
}

#[test]
fn the_cases_of_conformance_are_current() {
    is_current("conformance.md", &crate::broker::conformance::markdown());
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
    is_current("events.schema.json", &pretty(&schema::schema::<Event<'_>>()));
}

/// By the tag of each variant, its other fields, as the schema of a type has them.
fn variants<T: schemars::JsonSchema>(tag: &str) -> Vec<(String, BTreeSet<String>)> {
    let schema = schema::schema::<T>();
    let fields_of = |of: &Value| -> BTreeSet<String> {
        let named = of["$ref"].as_str().map(|path| &schema["$defs"][path.rsplit('/').next().unwrap_or_default()]);
        let of = [Some(of), named].into_iter().flatten();
        of.filter_map(|of| of["properties"].as_object()).flat_map(|fields| fields.keys().cloned()).collect()
    };
    let variant = |of: &Value| {
        let mut fields = fields_of(of);
        fields.remove(tag);
        (of["properties"][tag]["const"].as_str().expect("a tag").to_owned(), fields)
    };
    schema["oneOf"].as_array().expect("variants").iter().map(variant).collect()
}

/// Of a table in a document, what stands in code in the first cell of each row, and in the second.
fn table(document: &str, head: &str) -> Vec<(String, BTreeSet<String>)> {
    let text = fs::read_to_string(root().join("docs").join(document)).expect("readable");
    let rows = text.lines().skip_while(|line| !line.starts_with(head)).skip(2).take_while(|line| line.starts_with('|'));
    let code = |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').collect();
        let second: BTreeSet<String> = code(cells[2]).into_iter().collect();
        code(cells[1]).into_iter().map(move |name| (name, second.clone()))
    };
    rows.flat_map(|line| row(line).collect::<Vec<_>>()).collect()
}

#[test]
fn every_refusal_of_the_accounts_stands_in_the_document() {
    let shortage = ["limit", "licensed", "missing", "nearest", "organization", "resource", "shared", "used"];
    let told = table("ledger.md", "| `code`");
    for ((code, fields), (told, said)) in variants::<Refusal>("code").into_iter().zip(&told) {
        assert_eq!(code, *told, "in the order of the code");
        match code.as_str() {
            "quota" | "over" => assert_eq!(fields, shortage.map(str::to_owned).into()),
            _ => assert_eq!(fields, *said, "{code}"),
        }
    }
    assert_eq!(told.len(), variants::<Refusal>("code").len());
}

#[test]
fn every_command_of_the_accounts_stands_in_the_document() {
    let told = table("ledger.md", "| `do`");
    let commands = variants::<Command>("do");
    assert_eq!(told.len(), commands.len());
    for (name, fields) in commands {
        let (_, said) = told.iter().find(|(told, _)| *told == name).unwrap_or_else(|| panic!("{name} is not told of"));
        assert!(fields.is_subset(said), "{name}: {:?}", fields.difference(said));
    }
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

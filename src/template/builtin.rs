//! The templates that ship with the program, embedded.

use crate::manifest::Source;

/// Names of the shipped sources begin so.
pub const SHIPPED: &str = "<shipped>/";

/// Texts of the shipped templates, as sources.
pub fn sources() -> Vec<Source> {
    [
        ("base", include_str!("../../realm-templates/base.yaml")),
        ("distributor", include_str!("../../realm-templates/distributor.yaml")),
        ("reseller", include_str!("../../realm-templates/reseller.yaml")),
        ("organization", include_str!("../../realm-templates/organization.yaml")),
    ]
    .into_iter()
    .map(|(name, text)| Source { name: format!("{SHIPPED}{name}.yaml"), text: text.to_owned() })
    .collect()
}

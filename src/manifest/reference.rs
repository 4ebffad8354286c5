//! The reference of the manifest, as Markdown, from the schema of the types.

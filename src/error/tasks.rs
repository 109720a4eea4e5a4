//! Why the parts of a task do not fit together.

/// Why the parts of a task do not fit together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {}

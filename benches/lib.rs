//! Nothing: a package of benches needs a target of its own.

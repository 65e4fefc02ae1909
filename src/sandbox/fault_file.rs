//! Faults as a file describes them, with a place for every problem.
//!
//! ```yaml
//! seed: 7                  # what rates follow from; default: the sandbox's own
//! faults:                  # the first that strikes counts
//!   - kind: throttle       # see `FaultKind`
//!     rate: 0.05           # from 0 to 1; or `requests: [3, 7]`, counted from 1
//!     path: /users         # only where the path and query hold this; default: everywhere
//!     methods: [GET]       # default: all
//!     items: true          # single items of batches; default false: whole requests
//! ```
//!
//! Pure: reads no file.

use crate::sandbox::faults::{Fault, FaultKind, Faults, Reach, When};
use crate::yaml::{Diagnostic, Fields, Node, Reader, SourceFile, did_you_mean, parse};

const KEYS: [&str; 6] = ["kind", "rate", "requests", "path", "methods", "items"];
const METHODS: [&str; 5] = ["GET", "POST", "PATCH", "PUT", "DELETE"];

impl Faults {
    /// Reads the faults of a file. `seed` is what rates follow from where the file says nothing.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong with it, at once.
    pub fn from_yaml(file: &SourceFile, seed: u64) -> Result<Self, Vec<Diagnostic>> {
        let tree = parse(file)?;
        let mut reader = Reader::new(file.name.clone());
        let faults = faults(&mut reader, &tree, seed);
        let (errors, _) = reader.finish();
        match faults {
            Some(faults) if errors.is_empty() => Ok(faults),
            Some(_) | None => Err(errors),
        }
    }

    /// Writes the faults as [`Faults::from_yaml`] reads them, in JSON, which is YAML too.
    pub fn to_json(&self) -> serde_json::Value {
        let rules: Vec<_> = self.rules.iter().map(json).collect();
        serde_json::json!({"seed": self.seed, "faults": rules})
    }
}

fn json(fault: &Fault) -> serde_json::Value {
    let Fault { kind, when, reach, path, methods } = fault;
    let mut object = serde_json::Map::new();
    object.insert("kind".to_owned(), kind.as_str().into());
    match when {
        When::Rate(rate) => object.insert("rate".to_owned(), (*rate).into()),
        When::Requests(numbers) => object.insert("requests".to_owned(), numbers.clone().into()),
    };
    if let Some(path) = path {
        object.insert("path".to_owned(), path.as_str().into());
    }
    if !methods.is_empty() {
        object.insert("methods".to_owned(), methods.clone().into());
    }
    if *reach == Reach::Items {
        object.insert("items".to_owned(), true.into());
    }
    object.into()
}

fn faults(reader: &mut Reader, tree: &Node, seed: u64) -> Option<Faults> {
    let fields = reader.fields(tree, "a file of faults", &["seed", "faults"])?;
    let seed = match fields.get("seed") {
        Some(entry) => reader.parsed(&entry.value)?,
        None => seed,
    };
    let list = reader.required(&fields, "a file of faults", "faults")?;
    let items = reader.list(list)?;
    let rules: Vec<Option<Fault>> = items.iter().map(|node| fault(reader, node)).collect();
    Some(Faults { seed, rules: rules.into_iter().collect::<Option<_>>()? })
}

fn fault(reader: &mut Reader, node: &Node) -> Option<Fault> {
    let fields = reader.fields(node, "a fault", &KEYS)?;
    let kind = reader.required(&fields, "a fault", "kind").and_then(|node| kind(reader, node));
    let when = when(reader, &fields);
    let path = match fields.get("path") {
        Some(entry) => reader.text(&entry.value).map(|path| Some(path.to_owned())),
        None => Some(None),
    };
    let methods = match fields.get("methods") {
        Some(entry) => methods(reader, &entry.value),
        None => Some(Vec::new()),
    };
    let items = match fields.get("items") {
        Some(entry) => reader.boolean(&entry.value),
        None => Some(false),
    };
    let (kind, items) = (kind?, items?);
    if items && !kind.fits_item() {
        let spot = fields.get("items").map_or(fields.spot, |entry| entry.value.spot);
        let message =
            format!("`{}` strikes whole requests only, not items of a batch", kind.as_str());
        reader.error(spot, message);
        return None;
    }
    let reach = if items { Reach::Items } else { Reach::Whole };
    Some(Fault { kind, when: when?, reach, path: path?, methods: methods? })
}

fn kind(reader: &mut Reader, node: &Node) -> Option<FaultKind> {
    let word = reader.text(node)?;
    let kind = FaultKind::named(word);
    if kind.is_none() {
        let kinds = || FaultKind::ALL.into_iter().map(FaultKind::as_str);
        let hint = match did_you_mean(word, kinds()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", kinds().collect::<Vec<_>>().join(", ")),
        };
        reader.error_with(node.spot, format!("`{word}` is no kind of fault"), hint);
    }
    kind
}

fn when(reader: &mut Reader, fields: &Fields<'_>) -> Option<When> {
    match (fields.get("rate"), fields.get("requests")) {
        (Some(rate), None) => match reader.parsed::<f64>(&rate.value)? {
            rate if (0.0..=1.0).contains(&rate) => Some(When::Rate(rate)),
            _ => {
                reader.error(rate.value.spot, "the rate is not from 0 to 1");
                None
            }
        },
        (None, Some(requests)) => {
            let mut numbers = Vec::new();
            for node in reader.full_list(&requests.value, "`requests`")? {
                match reader.parsed::<u64>(node)? {
                    0 => {
                        reader.error(node.spot, "requests are counted from 1");
                        return None;
                    }
                    number => numbers.push(number),
                }
            }
            Some(When::Requests(numbers))
        }
        (Some(_), Some(requests)) => {
            reader.error(requests.key_spot, "a fault has a `rate` or `requests`, not both");
            None
        }
        (None, None) => {
            reader.error(fields.spot, "a fault needs a `rate`, or `requests`");
            None
        }
    }
}

fn methods(reader: &mut Reader, node: &Node) -> Option<Vec<String>> {
    let mut methods = Vec::new();
    for node in reader.one_or_more(node, "`methods`")? {
        let method = reader.text(node)?.to_uppercase();
        if !METHODS.contains(&method.as_str()) {
            let hint = format!("there are {}", METHODS.join(", "));
            reader.error_with(node.spot, format!("`{method}` is no method"), hint);
            return None;
        }
        methods.push(method);
    }
    Some(methods)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::yaml::render;

    fn read(text: &str) -> Result<Faults, String> {
        let bytes = text.as_bytes().to_vec();
        let file = SourceFile::from_bytes("faults.yaml".into(), bytes).unwrap();
        Faults::from_yaml(&file, 3).map_err(|problems| render(&problems, &[file]))
    }

    #[test]
    fn a_file_says_what_goes_wrong_where_and_when() {
        let text = "faults:\n  - {kind: throttle, rate: 0.5, path: /users, methods: [get]}\n  \
                    - {kind: timeout-after, requests: [3, 7], items: true}\n";
        let faults = read(text).unwrap();
        assert_eq!(faults.seed, 3);
        let shown: Vec<String> = faults.rules.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["throttle=0.5@/users", "item-timeout-after=#3,7"]);
        assert_eq!(faults.rules[0].methods, ["GET"]);
        let again = read(&faults.to_json().to_string()).unwrap();
        assert_eq!(again, faults);
    }

    #[test]
    fn every_problem_of_a_file_is_told_with_its_place() {
        let text = "faults:\n  - {kind: trottle, rate: 2}\n  - {kind: hang, items: true}\n  \
                    - {kind: reset, requests: [0], often: true}\n  - {rate: 1, requests: [1]}\n";
        assert_snapshot!(read(text).unwrap_err(), @r#"
        error: `trottle` is no kind of fault
         --> faults.yaml:2:12
          |
        2 |   - {kind: trottle, rate: 2}
          |            ^^^^^^^
        hint: did you mean `throttle`?

        error: the rate is not from 0 to 1
         --> faults.yaml:2:27
          |
        2 |   - {kind: trottle, rate: 2}
          |                           ^

        error: a fault needs a `rate`, or `requests`
         --> faults.yaml:3:5
          |
        3 |   - {kind: hang, items: true}
          |     ^^^^^^^^^^^^^^^^^^^^^^^^^

        error: `hang` strikes whole requests only, not items of a batch
         --> faults.yaml:3:25
          |
        3 |   - {kind: hang, items: true}
          |                         ^^^^

        error: requests are counted from 1
         --> faults.yaml:4:30
          |
        4 |   - {kind: reset, requests: [0], often: true}
          |                              ^

        error: unknown key `often`
         --> faults.yaml:4:34
          |
        4 |   - {kind: reset, requests: [0], often: true}
          |                                  ^^^^^
        hint: a fault can have `kind`, `rate`, `requests`, `path`, `methods` or `items`

        error: a fault needs `kind`
         --> faults.yaml:5:5
          |
        5 |   - {rate: 1, requests: [1]}
          |     ^^^^^^^^^^^^^^^^^^^^^^^^

        error: a fault has a `rate` or `requests`, not both
         --> faults.yaml:5:15
          |
        5 |   - {rate: 1, requests: [1]}
          |               ^^^^^^^^
        "#);
    }
}

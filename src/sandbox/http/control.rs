//! `/sandbox/faults`: what goes wrong, looked at and changed while the server runs.
//!
//! No part of Graph, and below no path of it. Needs no token: whoever reaches a sandbox owns it. A
//! request here is not counted, and no fault strikes it.

use crate::sandbox::faults::Faults;
use crate::sandbox::http::reply::Reply;
use crate::sandbox::http::world::World;
use crate::yaml::{SourceFile, render};

/// Where it answers.
pub(super) const PATH: &str = "/sandbox/faults";

/// Answers `GET` with the faults as JSON, `PUT` with what they are then, `DELETE` with none left.
pub(super) fn answer(world: &mut World, method: &str, body: &[u8]) -> Reply {
    match method {
        "GET" => told(&world.faults),
        "PUT" => match read(body, world.faults.seed) {
            Ok(faults) => {
                world.faults = faults;
                told(&world.faults)
            }
            Err(problems) => text(400, &problems),
        },
        "DELETE" => {
            world.faults.rules.clear();
            told(&world.faults)
        }
        _ => text(405, "GET, PUT and DELETE are what can be done with faults\n"),
    }
}

fn read(body: &[u8], seed: u64) -> Result<Faults, String> {
    let file = SourceFile::from_bytes("body".into(), body.to_vec())
        .map_err(|problem| render(&[*problem], &[]))?;
    Faults::from_yaml(&file, seed)
        .map_err(|problems| render(&problems, std::slice::from_ref(&file)))
}

fn told(faults: &Faults) -> Reply {
    let body = faults.to_json().to_string().into_bytes();
    let headers = vec![("Content-Type", "application/json".to_owned())];
    Reply { status: 200, headers, body, items: Vec::new() }
}

fn text(status: u16, text: &str) -> Reply {
    let headers = vec![("Content-Type", "text/plain; charset=utf-8".to_owned())];
    Reply { status, headers, body: text.as_bytes().to_vec(), items: Vec::new() }
}

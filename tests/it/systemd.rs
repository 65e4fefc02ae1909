//! The unit, and what the daemon tells the service manager.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::crash::{POLICIES, before};
use crate::site::Site;

fn unit() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/seatkeeper.service");
    std::fs::read_to_string(path).unwrap()
}

/// Runs a tool of systemd; none where it is not installed.
fn tool(name: &str, arguments: &[&str]) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(name).current_dir(root).args(arguments).output().ok()?;
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Some(format!("{out}{err}"))
}

#[test]
fn the_unit_leaves_the_service_as_little_as_a_network_daemon_can_do_with() {
    let arguments = ["security", "--offline=true", "--no-pager", "systemd/seatkeeper.service"];
    let Some(told) = tool("systemd-analyze", &arguments) else {
        println!("systemd-analyze is not installed: the unit was not judged");
        return;
    };
    let overall =
        told.lines().find_map(|line| line.split("exposure level for seatkeeper.service: ").nth(1));
    let Some(overall) = overall else {
        println!("systemd-analyze judges no file that is not installed: {told}");
        return;
    };
    let exposure: f64 = overall.split_whitespace().next().unwrap().parse().unwrap();
    assert!(exposure <= 1.3, "{told}");
}

#[test]
fn every_setting_of_the_unit_is_one_that_systemd_knows() {
    let Some(told) = tool("systemd-analyze", &["verify", "systemd/seatkeeper.service"]) else {
        println!("systemd-analyze is not installed: the unit was not verified");
        return;
    };
    // That the program and its manual are not installed here is no fault of the unit.
    let faults: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("seatkeeper.service"))
        .filter(|line| !line.contains("/usr/bin/seatkeeper") && !line.contains("Command 'man"))
        .collect();
    assert_eq!(faults, [""; 0]);
}

#[test]
fn the_unit_stops_the_daemon_before_it_would_be_killed_and_restarts_no_invalid_configuration() {
    let unit = unit();
    for line in [
        "Type=notify",
        "WatchdogSec=5min",
        "StateDirectory=seatkeeper",
        "RestartPreventExitStatus=5",
        "LoadCredential=client_secret:/etc/seatkeeper/client_secret",
    ] {
        assert!(unit.lines().any(|one| one == line), "{line}");
    }
}

/// Listens as a service manager does, until it is told this.
fn until_told(socket: &UnixDatagram, wanted: &str) -> Vec<String> {
    let mut told = Vec::new();
    let mut buffer = [0; 4096];
    while !told.iter().any(|line| line == wanted) {
        let length = socket.recv(&mut buffer).unwrap();
        let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
        told.extend(text.lines().map(str::to_owned));
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_manager_is_told_when_the_daemon_is_ready_alive_and_stopping() {
    let site = Site::new(before(), &[("policies.yaml", POLICIES)]).await;
    site.reconfigure("policies: policies", "policies: policies\napi: off");
    let path = site.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut command = site.command(&["run"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "300000");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let told = until_told(&socket, "WATCHDOG=1");
    assert_eq!(told[0], "READY=1");
    until_told(&socket, "WATCHDOG=1");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    until_told(&socket, "STOPPING=1");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

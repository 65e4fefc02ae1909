//! The Debian package, made of the program under test. Where `dpkg-deb` is not installed, nothing can be
//! said.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn output(command: &mut Command) -> String {
    let ran = command.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{command:?}: {said}");
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn the_package_has_what_a_service_needs_and_starts_nothing() {
    if Command::new("dpkg-deb").arg("--version").output().is_err() {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let mut build = Command::new(root().join("packaging/debian/build"));
    build.args(["--uncompressed", "--binary", env!("CARGO_BIN_EXE_seatkeeper"), "--out"]);
    let package = output(build.arg(out.path()));
    let package = package.trim_end();

    let listed = output(Command::new("dpkg-deb").args(["--contents", package]));
    let files: BTreeSet<_> =
        listed.lines().filter_map(|line| line.split_once(" ./")).map(|(_, name)| name).collect();
    for name in [
        "usr/bin/seatkeeper",
        "usr/lib/systemd/system/seatkeeper.service",
        "usr/lib/sysusers.d/seatkeeper.conf",
        "usr/share/man/man1/seatkeeper.1.gz",
        "usr/share/man/man1/seatkeeper-plan.1.gz",
        "usr/share/bash-completion/completions/seatkeeper",
        "usr/share/zsh/vendor-completions/_seatkeeper",
        "usr/share/fish/vendor_completions.d/seatkeeper.fish",
        "usr/share/doc/seatkeeper/README.md",
        "usr/share/doc/seatkeeper/docs/operations.md",
        "usr/share/doc/seatkeeper/docs/sandbox.md",
        "usr/share/doc/seatkeeper/docs/pipelines/github.yml",
        "usr/share/doc/seatkeeper/schemas/config.schema.json",
        "usr/share/doc/seatkeeper/copyright",
        "etc/seatkeeper/seatkeeper.yaml",
        "etc/seatkeeper/policies/engineering.yaml.example",
    ] {
        assert!(files.contains(name), "{name} is not in {files:#?}");
    }
    // Nothing of a package is loaded as a policy, and none of it is anybody's but root's.
    let is_loaded = |name: &&&str| {
        let ending = Path::new(name).extension().unwrap_or_default();
        name.starts_with("etc/seatkeeper/policies/") && (ending == "yaml" || ending == "yml")
    };
    assert_eq!(files.iter().find(is_loaded), None);
    assert!(listed.lines().all(|line| line.contains(" root/root ")), "{listed}");

    let control = out.path().join("control");
    output(Command::new("dpkg-deb").arg("--control").arg(package).arg(&control));
    let read = |name: &str| std::fs::read_to_string(control.join(name)).unwrap();
    assert!(read("control").contains(concat!("\nVersion: ", env!("CARGO_PKG_VERSION"), "\n")));
    assert!(read("conffiles").contains("/etc/seatkeeper/seatkeeper.yaml\n"));
    let scripts = ["postinst", "prerm", "postrm"].map(read).join("\n");
    for word in ["systemctl enable", "systemctl start", "systemctl restart", "rm -rf"] {
        assert!(!scripts.contains(word), "{word} in {scripts}");
    }
}

/// Whoever starts the service before the configuration is filled in is told what is missing.
#[test]
fn the_configuration_of_the_package_says_what_has_to_be_filled_in() {
    let configuration = root().join("packaging/debian/seatkeeper.yaml");
    let mut validate = Command::new(env!("CARGO_BIN_EXE_seatkeeper"));
    let ran = validate.args(["validate", "--config"]).arg(configuration).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(5), "{said}");
    assert!(said.contains("write the directory (tenant) id"), "{said}");
    assert!(said.contains("the application (client) id of the app registration"), "{said}");
}

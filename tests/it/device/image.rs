//! The images for Docker and Podman among the packages: each digest and size is what lies there, each
//! image is for its machine and holds its program, and runs it as the Containerfile says.

use super::install::{packages, text, unpack};
use super::{have, printed, run};
use crate::tree::{self, Entry, TempDir};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Devices, and what images call them: architecture and variant.
const MACHINES: [(&str, &str, Option<&str>); 3] = [
    ("x86_64", "amd64", None),
    ("aarch64", "arm64", None),
    ("armv7", "arm", Some("v7")),
];

/// An archive of images that has been unpacked.
struct Layout {
    dir: TempDir,
    /// The blobs that something names.
    named: BTreeSet<String>,
}

impl Layout {
    fn open(archive: &Path) -> Self {
        let dir = unpack(archive);
        assert_eq!(
            text(&dir.path().join("oci-layout")),
            "{\"imageLayoutVersion\":\"1.0.0\"}\n"
        );
        Self {
            dir,
            named: BTreeSet::new(),
        }
    }

    fn path(&self, digest: &str) -> PathBuf {
        let hash = digest.strip_prefix("sha256:").unwrap();
        self.dir.path().join("blobs/sha256").join(hash)
    }

    /// What a descriptor names, which must be of this type and exactly as it says.
    fn blob(&mut self, descriptor: &Value, kind: &str) -> Vec<u8> {
        let media = format!("application/vnd.oci.image.{kind}");
        assert_eq!(descriptor["mediaType"], media, "{descriptor}");
        let digest = descriptor["digest"].as_str().unwrap();
        let bytes = std::fs::read(self.path(digest)).unwrap();
        assert_eq!(descriptor["size"], bytes.len(), "{descriptor}");
        assert_eq!(sha256(&bytes), digest);
        self.named.insert(digest["sha256:".len()..].to_owned());
        bytes
    }

    fn json(&mut self, descriptor: &Value, kind: &str) -> Value {
        serde_json::from_slice(&self.blob(descriptor, kind)).unwrap()
    }

    /// The only descriptor at the root.
    fn root(&self) -> Value {
        let index: Value =
            serde_json::from_str(&text(&self.dir.path().join("index.json"))).unwrap();
        assert_eq!(index["schemaVersion"], 2);
        let roots = index["manifests"].as_array().unwrap();
        assert_eq!(roots.len(), 1, "{index}");
        let name = &roots[0]["annotations"]["org.opencontainers.image.ref.name"];
        assert_eq!(name, env!("CARGO_PKG_VERSION"));
        roots[0].clone()
    }

    /// One machine's image: its manifest is named here.
    fn check_image(&mut self, descriptor: &Value, machine: &(&str, &str, Option<&str>)) {
        let (device, architecture, variant) = machine;
        let manifest = self.json(descriptor, "manifest.v1+json");
        assert_eq!(manifest["schemaVersion"], 2);
        let config = self.json(&manifest["config"], "config.v1+json");
        for place in [&descriptor["platform"], &config] {
            assert_eq!(place["architecture"], *architecture);
            assert_eq!(place["os"], "linux");
            assert_eq!(place["variant"].as_str(), *variant);
        }
        let layers = manifest["layers"].as_array().unwrap();
        assert_eq!(layers.len(), 1, "{manifest}");
        self.blob(&layers[0], "layer.v1.tar+gzip");
        let layer = self.path(layers[0]["digest"].as_str().unwrap());
        let plain = Command::new("gzip")
            .arg("-dc")
            .arg(&layer)
            .output()
            .unwrap();
        let ids = json!([sha256(&plain.stdout)]);
        assert_eq!(config["rootfs"], json!({"type": "layers", "diff_ids": ids}));
        check_files(&layer, device);
        check_settings(&config["config"]);
    }

    /// Nothing lies there that nothing names.
    fn assert_all_named(&self) {
        let blobs = tree::read(&self.dir.path().join("blobs/sha256"));
        let names: BTreeSet<String> = blobs
            .keys()
            .map(|path| path.to_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, self.named);
    }
}

fn sha256(bytes: &[u8]) -> String {
    format!(
        "sha256:{}",
        restic_123pan::restic::hex(&Sha256::digest(bytes))
    )
}

/// The program, and the folder for its state, which is its user's alone.
fn check_files(layer: &Path, device: &str) {
    let listed = run(Command::new("tar")
        .args(["--numeric-owner", "-tvzf"])
        .arg(layer));
    let rows = listed.lines().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        [words[0], words[1], words[5]].join(" ")
    });
    let rows: Vec<String> = rows.collect();
    assert_eq!(
        rows,
        [
            "-rwxr-xr-x 0/0 restic-123pan",
            "drwx------ 65532/65532 state/"
        ]
    );
    let program = text(&unpack(layer).path().join("restic-123pan"));
    assert!(program.contains(&format!("# {device}\n")), "{program}");
}

/// How the image runs is what the Containerfile says.
fn check_settings(found: &Value) {
    let file = printed(&["service", "container", "--program", "/restic-123pan"]);
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    let lines = lines.replace("\\\n", " ");
    let said = |name: &str| {
        let line = lines.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {file}")).trim()
    };
    let parsed = |name: &str| serde_json::from_str::<Value>(said(name)).unwrap();
    let words: Vec<&str> = said("ENV ").split_whitespace().collect();
    assert!(words.contains(&"PAN123_LISTEN=:8000"), "{words:?}");
    assert_eq!(found["Env"], json!(words));
    assert_eq!(found["Entrypoint"], parsed("ENTRYPOINT "));
    assert_eq!(found["Cmd"], parsed("CMD "));
    assert_eq!(found["User"], said("USER "));
    assert_eq!(found["StopSignal"], said("STOPSIGNAL "));
    let empty = |name: String| json!({name: {}});
    assert_eq!(found["Volumes"], empty(said("VOLUME ").to_owned()));
    assert_eq!(
        found["ExposedPorts"],
        empty(format!("{}/tcp", said("EXPOSE ")))
    );
    let health = &found["Healthcheck"];
    assert_eq!(
        health["Test"],
        json!(["CMD", "/restic-123pan", "healthcheck"])
    );
    assert!(said("HEALTHCHECK ").contains("--interval=60s"));
    assert_eq!(health["Interval"], 60_000_000_000_u64);
}

#[test]
fn images_hold_together_and_run_as_the_containerfile_says() {
    if !["bash", "dpkg-deb", "tar", "gzip", "perl"]
        .into_iter()
        .all(have)
    {
        return;
    }
    let dir = TempDir::new();
    let all = packages(dir.path(), &MACHINES.map(|(device, ..)| device));
    let version = env!("CARGO_PKG_VERSION");
    let named = |name: String| {
        let path = PathBuf::from(format!("restic-123pan-{version}{name}"));
        assert!(matches!(all.get(&path), Some(Entry::File(_))), "{path:?}");
        dir.path().join("packages").join(path)
    };
    let mut every = Layout::open(&named(".oci.tar".to_owned()));
    let index = every.root();
    let index = every.json(&index, "index.v1+json");
    let manifests = index["manifests"].as_array().unwrap().clone();
    assert_eq!(manifests.len(), MACHINES.len());
    for (manifest, machine) in manifests.iter().zip(&MACHINES) {
        every.check_image(manifest, machine);
    }
    every.assert_all_named();
    for machine in &MACHINES {
        let (_, architecture, variant) = machine;
        let name = format!("-{architecture}{}.image.tar", variant.unwrap_or(""));
        check_one(Layout::open(&named(name)), machine);
    }
}

/// One machine's archive, which Docker reads by another file.
fn check_one(mut one: Layout, machine: &(&str, &str, Option<&str>)) {
    let root = one.root();
    one.check_image(&root, machine);
    one.assert_all_named();
    let docker = text(&one.dir.path().join("manifest.json"));
    let docker: Value = serde_json::from_str(&docker).unwrap();
    let manifest = one.json(&root, "manifest.v1+json");
    let path = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap();
        digest.replace("sha256:", "blobs/sha256/")
    };
    let tag = format!("restic-123pan:{}", env!("CARGO_PKG_VERSION"));
    let expected = json!([{
        "Config": path(&manifest["config"]),
        "RepoTags": [tag],
        "Layers": [path(&manifest["layers"][0])],
    }]);
    assert_eq!(docker, expected);
}

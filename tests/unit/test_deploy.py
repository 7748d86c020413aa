"""Deployment files: valid by their schemas, and what they call exists."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import typer
import yaml

from catalogdb.cli.app import app
from catalogdb.schema import collections
from catalogdb.settings import Settings

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose" / "compose.yaml"
MANIFESTS = sorted(path for path in (DEPLOY / "k8s").rglob("*.yaml") if path.name != "kustomization.yaml")
ONCE = {"set-up", "catalogdb"}  # services that end by themselves
KUBERNETES_VERSIONS = ("1.29", "1.37")
RUN_PODS = ("Deployment", "StatefulSet", "Job", "CronJob")
OTHER_VARIABLES = {"MONGO_MEMBERS", "MONGO_ROOT_PASSWORD_FILE", "MONGO_INITDB_ROOT_USERNAME"}
OTHER_VARIABLES |= {"MONGO_INITDB_ROOT_PASSWORD_FILE", "WORKER_PASSWORD_FILE", "CACHE_GB"}
OTHER_VARIABLES |= {"SEISBENCH_CACHE_ROOT", "OMP_NUM_THREADS", "CATALOGDB_CACHE_DIR"}


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def pod_of(document):
    spec = document["spec"]
    return (spec["jobTemplate"]["spec"] if document["kind"] == "CronJob" else spec)["template"]["spec"]


PODS = [(document["metadata"]["name"], document) for path in MANIFESTS for document in documents(path)]
PODS = [pytest.param(document, id=name) for name, document in PODS if document["kind"] in RUN_PODS]


def commands_of_the_program():
    """Full names of the commands there are."""
    found, to_see = set(), [((), typer.main.get_command(app))]
    while to_see:
        path, command = to_see.pop()
        for name, child in getattr(command, "commands", {}).items():
            to_see.append(((*path, name), child))
        if not hasattr(command, "commands"):
            found.add(path)
    return found


def runs_a_command(arguments):
    return any(tuple(arguments[: len(command)]) == command for command in commands_of_the_program())


def is_pinned(image):
    return re.search(r":\d+\.\d+(\.\d+)?(-[a-z]+)?\}?$", image) is not None


# -- compose


def compose():
    return yaml.safe_load(COMPOSE.read_text())


def check_compose(text):
    """Read a compose file by the specification; merge keys and variables are resolved before, as Docker does."""
    pytest.importorskip("compose_spec", reason="compose files are checked with compose-spec")
    from compose_spec import PyCompose

    filled = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", re.sub(r"\$\{\w+:\?[^}]*\}", "/folder", text))
    return PyCompose.from_yaml(yaml.safe_dump(yaml.safe_load(filled)))


def test_compose_is_valid_by_the_specification():
    assert len(check_compose(COMPOSE.read_text())) == len(compose()["services"])


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("    hostname: mongo-0\n", "    hostnames: mongo-0\n"),
        ("start_period: 1m", "start_period: soon"),
        ("condition: service_healthy", "condition: service_well"),
        ("memory: 3g", "memory: much"),
    ],
)
def test_the_check_of_compose_finds_mistakes(good, bad):
    text = COMPOSE.read_text()
    assert good in text
    with pytest.raises(ValueError):
        check_compose(text.replace(good, bad))


@pytest.mark.parametrize("name", compose()["services"])
def test_services_are_pinned_limited_and_confined(name):
    service = compose()["services"][name]
    assert is_pinned(service["image"])
    assert service["user"].partition(":")[0] not in ("0", "root")
    assert service["cap_drop"] == ["ALL"] and "no-new-privileges:true" in service["security_opt"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert "ports" not in service and service["networks"] == ["inside"]
    assert "healthcheck" in service or name in ONCE
    assert {"privileged", "pid", "network_mode"}.isdisjoint(service)


def test_services_name_what_there_is():
    document = compose()
    volumes = document["volumes"]
    for service in document["services"].values():
        assert set(service["secrets"]) <= set(document["secrets"])
        assert set(service.get("depends_on", {})) <= set(document["services"])
        named = [volume.partition(":")[0] for volume in service.get("volumes", [])]
        assert all(name in volumes or name.startswith("$") for name in named)
    assert document["networks"]["inside"]["internal"] is True
    for config in document["configs"].values():
        assert (COMPOSE.parent / config["file"]).is_file()


def test_three_members_make_a_majority():
    services = compose()["services"]
    members = sorted(name for name in services if name.startswith("mongo-"))
    assert members == ["mongo-0", "mongo-1", "mongo-2"]
    assert all(f"{name}:27017" in services["scheduler"]["environment"]["CATALOGDB_URI"] for name in members)
    assert [host.partition(":")[0] for host in services["set-up"]["environment"]["MONGO_MEMBERS"].split(",")] == members


# -- Kubernetes


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_manifests_are_valid_by_kubernetes_schemas(path, version):
    validator = pytest.importorskip("kubernetes_validate", reason="manifests are checked with kubernetes-validate")
    for document in documents(path):
        validator.validate(document, version, strict=True)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("minReplicas: 1", "minReplicas: one"),
        ("  strategy: {type: Recreate}", "  strategi: {type: Recreate}"),
        ("kind: HorizontalPodAutoscaler", "kind: VerticalPodAutoscaler"),
        ("containerPort: 8786", "containerport: 8786"),
    ],
)
def test_the_check_of_manifests_finds_mistakes(good, bad):
    validator = pytest.importorskip("kubernetes_validate", reason="manifests are checked with kubernetes-validate")
    text = (DEPLOY / "k8s" / "base" / "dask.yaml").read_text()
    assert good in text
    with pytest.raises((validator.ValidationError, validator.SchemaNotFoundError)):
        for document in yaml.safe_load_all(text.replace(good, bad)):
            validator.validate(document, KUBERNETES_VERSIONS[-1], strict=True)


@pytest.mark.parametrize("document", PODS)
def test_pods_are_limited_confined_and_hold_no_token(document):
    pod = pod_of(document)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        assert container["image"] == "catalogdb" or is_pinned(container["image"])
        for bound in ("requests", "limits"):
            assert set(container["resources"][bound]) == {"cpu", "memory"}
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        if document["kind"] in ("Deployment", "StatefulSet"):
            assert {"readinessProbe", "livenessProbe"} <= set(container)


@pytest.mark.parametrize("document", PODS)
def test_pods_mount_what_they_declare(document):
    pod = pod_of(document)
    claims = [claim["metadata"]["name"] for claim in document["spec"].get("volumeClaimTemplates", [])]
    declared = {volume["name"] for volume in pod["volumes"]} | set(claims)
    mounted = {m["name"] for c in [*pod["containers"], *pod.get("initContainers", [])] for m in c["volumeMounts"]}
    assert mounted == declared


def kustomized(folder, tmp_path):
    """All manifests of a folder as kubectl would send them, with secrets made for the test."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl here, which has kustomize in it")
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets"))
    secrets = tmp_path / "deploy" / "k8s" / "base" / "secrets"
    subprocess.run(["bash", str(DEPLOY / "mongo" / "make_secrets.sh"), str(secrets)], check=True, capture_output=True)
    command = [
        "kubectl",
        "kustomize",
        "--load-restrictor=LoadRestrictionsNone",
        str(tmp_path / "deploy" / "k8s" / folder),
    ]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return list(yaml.safe_load_all(made.stdout))


@pytest.mark.parametrize("folder", ["base", "with-mongodb"])
def test_kustomize_makes_a_whole(folder, tmp_path):
    made = kustomized(folder, tmp_path)
    names = {(document["kind"], document["metadata"]["name"]) for document in made}
    assert all(
        document["metadata"].get("namespace") == "catalogdb" for document in made if document["kind"] != "Namespace"
    )
    for document in made:
        if document["kind"] not in RUN_PODS:
            continue
        pod = pod_of(document)
        for volume in pod["volumes"]:
            for kind, key, name in (
                ("Secret", "secret", "secretName"),
                ("ConfigMap", "configMap", "name"),
                ("PersistentVolumeClaim", "persistentVolumeClaim", "claimName"),
            ):
                assert key not in volume or (kind, volume[key][name]) in names
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert is_pinned(container["image"]), container["image"]
            for source in container.get("envFrom", []):
                assert ("ConfigMap", source["configMapRef"]["name"]) in names
    if folder == "with-mongodb":
        assert {"StatefulSet", "Job", "PodDisruptionBudget"} <= {kind for kind, _ in names}


# -- both


def calls():
    """Command lines of containers that run our image, with a name for each."""
    services = compose()["services"]
    for name, service in services.items():
        if "catalogdb" in service["image"]:
            yield f"compose {name}", service.get("entrypoint", ["catalogdb"]) + service.get("command", [])
            if "healthcheck" in service:
                yield f"compose {name} health", service["healthcheck"]["test"][1:]
    for parameter in PODS:
        pod = pod_of(parameter.values[0])
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            if container["image"] == "catalogdb":
                yield f"k8s {container['name']}", container.get("command", ["catalogdb"]) + container.get("args", [])


@pytest.mark.parametrize(("name", "call"), [pytest.param(name, call, id=name) for name, call in calls()])
def test_what_containers_call_exists(name, call):
    program, *arguments = call
    options = [word.partition("=")[0] for word in arguments if word.startswith("--")]
    if program == "catalogdb":
        assert not arguments or runs_a_command(arguments), arguments
        return
    if program == "dask":
        from distributed.cli import dask_scheduler, dask_worker

        command = {"scheduler": dask_scheduler, "worker": dask_worker}[arguments[0]].main
        known = {text for option in command.params for text in [*option.opts, *option.secondary_opts]}
        assert set(options) <= known
        return
    if program == "bash":
        assert (ROOT / Path(arguments[0]).relative_to("/opt/catalogdb")).is_file()
        return
    assert program == "python", call


def variables():
    for service in compose()["services"].values():
        yield from service["environment"]
    for parameter in PODS:
        pod = pod_of(parameter.values[0])
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            yield from (variable["name"] for variable in container.get("env", []))
    for generated in documents(DEPLOY / "k8s" / "base" / "kustomization.yaml")[0]["configMapGenerator"]:
        yield from (literal.partition("=")[0] for literal in generated["literals"])


def test_variables_are_settings():
    known = {f"CATALOGDB_{field.upper()}" for field in Settings.model_fields} | OTHER_VARIABLES
    assert set(variables()) <= known


def test_no_secret_stands_in_a_file():
    for path in [
        COMPOSE,
        *(DEPLOY / "k8s").rglob("*.yaml"),
        DEPLOY / "Containerfile",
        DEPLOY / "apptainer" / "catalogdb.def",
    ]:
        text = path.read_text()
        assert not re.search(r"mongodb://[^@/\s]+:[^@/\s]+@", text), path
        assert not re.search(r"(?i)(password|secret|token)\s*[:=]\s*[A-Za-z0-9+/]{8,}\s*$", text, re.MULTILINE), path
        assert ":latest" not in text
    ignored = (ROOT / ".gitignore").read_text().split()
    assert "secrets/" in ignored and "**/secrets" in (ROOT / ".dockerignore").read_text().split()


def test_secrets_are_made_once_and_closed_to_others(tmp_path):
    folder = tmp_path / "secrets"
    make = ["bash", str(DEPLOY / "mongo" / "make_secrets.sh"), str(folder)]
    subprocess.run(make, check=True, capture_output=True)
    first = {path.name: path.read_text() for path in folder.iterdir()}
    said = subprocess.run(make, check=True, capture_output=True, text=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == first
    assert set(first) == set(compose()["secrets"])
    assert len(set(first.values())) == 3 and min(map(len, first.values())) >= 32
    assert folder.stat().st_mode & 0o077 == 0
    assert not any(value in said.stdout + said.stderr for value in first.values())


@pytest.mark.parametrize("path", sorted((DEPLOY / "mongo").glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_shell(path):
    assert subprocess.run(["bash", "-n", str(path)]).returncode == 0
    assert os.access(path, os.X_OK)


@pytest.mark.skipif(not shutil.which("apt-get"), reason="no apt-get here")
def test_the_set_up_waits_for_another_apt_get(tmp_path):
    lists, log, settings = (tmp_path / name for name in ("lists", "log", "apt.conf"))
    (lists / "partial").mkdir(parents=True)
    own = {"State::lists": lists, "Cache": tmp_path, "Etc::sourcelist": "/dev/null", "Etc::sourceparts": "/dev/null"}
    settings.write_text("".join(f'Dir::{key} "{value}";\n' for key, value in own.items()))
    script = f'set -euo pipefail; log="{log}" sudo=(); . "{DEPLOY}/lib.sh"; apt_get update'
    with open(lists / "lock", "w") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        process = subprocess.Popen(["bash", "-c", script], env=os.environ | {"APT_CONFIG": str(settings)})
        while not (log.exists() and "Could not get lock" in log.read_text()) and process.poll() is None:
            time.sleep(0.05)
    assert process.wait(60) == 0, log.read_text()
    assert log.read_text().count("Could not get lock") == 1


# -- images


def test_containerfile_is_pinned_and_ends_as_a_numbered_user():
    lines = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ").splitlines()
    words = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    assert all(is_pinned(rest) for keyword, rest in words if keyword == "FROM")
    (*_, user) = [rest for keyword, rest in words if keyword == "USER"]
    assert user == compose()["services"]["catalogdb"]["user"] == "10001:10001"
    assert ["ENTRYPOINT", '["catalogdb"]'] in words


def test_apptainer_definition_runs_the_same_program():
    text = (DEPLOY / "apptainer" / "catalogdb.def").read_text()
    header, *sections = re.split(r"^%", text, flags=re.MULTILINE)
    fields = dict(line.split(": ", 1) for line in header.splitlines() if line and not line.startswith("#"))
    assert fields["Bootstrap"] == "oci-archive" and fields["From"].endswith(".tar")
    named = {section.split(maxsplit=1)[0]: section for section in sections}
    assert {"environment", "runscript", "test", "labels", "help"} == set(named)
    assert 'exec catalogdb "$@"' in named["runscript"]
    path = re.search(r"PATH=(\S+?):", (DEPLOY / "Containerfile").read_text())[1]
    assert path in named["environment"] and path in named["test"]


# -- a sharded cluster


SHARD_KEYS = json.loads((DEPLOY / "mongo" / "shard_keys.json").read_text())


@pytest.mark.parametrize("name", SHARD_KEYS)
def test_shard_keys_go_with_the_indexes(name):
    """MongoDB wants an index that begins with the key, and unique indexes that begin with it, too."""
    key, schema = list(SHARD_KEYS[name].items()), collections()[name]
    assert all(index.unique is False or list(index.keys.items())[: len(key)] == key for index in schema.indexes)
    if key == [("_id", "hashed")]:
        return  # made with the key; `_id` stays unique, since equal ids have equal hashes
    assert all(schema.fields[field].required for field, _ in key)
    assert any(list(index.keys.items())[: len(key)] == key for index in schema.indexes)

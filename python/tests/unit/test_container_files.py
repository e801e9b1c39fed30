"""What the workflow, the compose file and the Dockerfiles name exists: files, make targets, ports, services, flags."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / "docker-compose.test.yml"
WORKFLOW = ROOT / ".github" / "workflows" / "test-tool-bridge.yml"
PROXIES = ROOT / "test" / "toxiproxy.json"
DOCKERFILES = ("Dockerfile", "Dockerfile.test", "python/Dockerfile.test")
WRITTEN_BY_A_RUN = (
    "test-results",
    "test-logs.txt",
    "performance-baseline.json",
    "coverage.out",
    "coverage.xml",
    ".venv",
)
REPORTS = ("--junit-xml=", "--benchmark-json=")
# What the workflow may tell toxiproxy, and what each may be given.
TOXICS = {
    "latency": {"latency", "jitter"},
    "timeout": {"timeout"},
    "bandwidth": {"rate"},
    "slow_close": {"delay"},
    "reset_peer": {"timeout"},
    "slicer": {"average_size", "size_variation", "delay"},
    "limit_data": {"bytes"},
}
A_PATH = re.compile(r"\.{0,2}/?[\w.-]+(/[\w.-]+)+/?|[\w-]+\.(txt|json|yml|xml|py)")
AN_ADDRESS = re.compile(r"([a-z]+):(\d+)")

pytestmark = pytest.mark.skipif(
    not COMPOSE.exists(), reason="what builds the containers is not shipped with the package"
)


def services() -> dict[str, dict]:
    return yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]


def workflow() -> dict:
    return yaml.safe_load(WORKFLOW.read_text("utf-8"))


def steps() -> list[dict]:
    return [step for job in workflow()["jobs"].values() for step in job["steps"]]


def commands() -> list[list[str]]:
    """The workflow's commands, a list of words each; what a shell decides is left out."""
    scripts = [step["run"].replace("\\\n", " ") for step in steps() if "run" in step]
    lines = [line.strip() for script in scripts for line in script.splitlines()]
    return [
        shlex.split(line) for line in lines if line and not line.startswith(("if ", "el", "fi"))
    ]


def make_targets() -> list[str]:
    return re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    text = (ROOT / dockerfile).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def exposed(dockerfile: str) -> list[str]:
    return [
        port for name, rest in instructions(dockerfile) if name == "EXPOSE" for port in rest.split()
    ]


def listens_on(service: str) -> set[str]:
    """The ports on which others reach a service inside of the network of the containers."""
    description = services()[service]
    if "build" in description:
        return set(exposed(description["build"]["dockerfile"]))
    return {
        proxy["listen"].rpartition(":")[2] for proxy in json.loads(PROXIES.read_text("utf-8"))
    } | {"8474"}


def host_and_container(mapping: str) -> tuple[str, str]:
    """The two ports of `127.0.0.1:50051:50051`."""
    host, container = mapping.split(":")[-2:]
    return host, container


def fault_of_path(word: str, folder: Path) -> str | None:
    """What is wrong with a word of a command, if it names a file of the repository."""
    word = word.removesuffix("/...")
    if not A_PATH.fullmatch(word) or word.removeprefix("../").startswith(WRITTEN_BY_A_RUN):
        return None
    return None if (folder / word).exists() else f"there is no {word}"


def faults_of_command(words: list[str]) -> list[str]:
    """What a command of the workflow names and nobody has."""
    if words[0] == "make":
        return [f"make has no target {word!r}" for word in words[1:] if word not in make_targets()]
    if words[:2] == ["docker", "compose"]:
        return faults_of_compose(words[2:])
    if words[0] == "curl":
        return faults_of_curl(words[1:])
    folder = ROOT / "python" if "pytest" in words else ROOT
    # An option may hold its value behind an equals sign.
    named = [word.rpartition("=")[2] for word in words]
    return [fault for word in named if (fault := fault_of_path(word, folder))]


def faults_of_compose(words: list[str]) -> list[str]:
    faults = []
    if words[0] != "-f" or not (ROOT / words[1]).exists():
        faults.append(f"there is no {words[1]}")
    verb, words = words[2], words[3:]
    while "-e" in words:
        faults += faults_of_variable(words.pop(words.index("-e") + 1))
        words.remove("-e")
    rest = [word for word in words if not word.startswith("-")]
    if verb == "up":
        return faults + [f"there is no service {name!r}" for name in rest if name not in services()]
    if verb == "run":
        service, *command = rest
        faults += [] if service in services() else [f"there is no service {service!r}"]
        folder = ROOT / "python"
        faults += [fault for word in command if (fault := fault_of_path(word, folder))]
        faults += faults_of_results(service, words)
    return faults


def faults_of_variable(variable: str) -> list[str]:
    """What an environment variable of a service names and nobody has: an address is a service's."""
    name, _, value = variable.partition("=")
    known = re.findall(r"\w+", (ROOT / "python/tests/processes.py").read_text("utf-8"))
    faults = [] if name in known else [f"nobody reads {name}"]
    address = AN_ADDRESS.fullmatch(value)
    if address is None or address[1] not in services():
        return [*faults, f"{value!r} is no service's address"]
    if address[2] not in listens_on(address[1]):
        faults.append(f"{address[1]} does not listen on {address[2]}")
    return faults


def faults_of_results(service: str, words: list[str]) -> list[str]:
    """Reports are to be written into a folder that the service shares with the host."""
    shared = [volume.split(":")[1] for volume in services().get(service, {}).get("volumes", [])]
    written = [word.partition("=")[2] for word in words if word.startswith(REPORTS)]
    return [
        f"{path} stays in the container"
        for path in written
        if not any(path.startswith(f"{folder}/") for folder in shared)
    ]


def faults_of_curl(words: list[str]) -> list[str]:
    """What is told to toxiproxy: its API is published, the proxy is one of its file, the toxic one of its own."""
    (url,) = [word for word in words if "://" in word]
    asked = re.fullmatch(r"http://localhost:(\d+)/proxies/(\w+)/toxics", url)
    if asked is None:
        return [f"{url} adds no toxic to a proxy"]
    faults = []
    if asked[1] not in [host_and_container(m)[0] for m in services()["toxiproxy"]["ports"]]:
        faults.append(f"nobody publishes port {asked[1]}")
    if asked[2] not in [proxy["name"] for proxy in json.loads(PROXIES.read_text("utf-8"))]:
        faults.append(f"there is no proxy {asked[2]!r}")
    told = json.loads(words[words.index("-d") + 1])
    if (
        set(told.get("attributes", {})) - TOXICS.get(told["type"], set())
        or told["type"] not in TOXICS
    ):
        faults.append(f"there is no toxic like {told}")
    return faults


def test_every_command_of_the_workflow_names_what_exists():
    found = [fault for words in commands() for fault in faults_of_command(words)]
    assert len(commands()) > 10
    assert found == []


RUN = "docker compose -f docker-compose.test.yml run --rm"
CURL = "curl --fail -X POST http://localhost"


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("make nothing-of-it", "no target 'nothing-of-it'"),
        ("docker compose -f nowhere.yml up bridge", "no nowhere.yml"),
        ("docker compose -f docker-compose.test.yml up nobody", "no service 'nobody'"),
        ("docker compose -f docker-compose.test.yml run --rm nobody pytest", "no service 'nobody'"),
        (
            "docker compose -f docker-compose.test.yml run python pytest tests/nowhere",
            "tests/nowhere",
        ),
        ("python3 scripts/nowhere.py --current x", "no scripts/nowhere.py"),
        ("../.venv/bin/python -m pytest tests/nowhere", "no tests/nowhere"),
        ("python -m pip install -r requirements-nowhere.txt", "no requirements-nowhere.txt"),
        ("pip install --requirement=requirements-nowhere.txt", "no requirements-nowhere.txt"),
        (f"{RUN} -e GRPC_ADDR=nobody:50052 python pytest", "no service's address"),
        (f"{RUN} -e GRPC_ADDR=toxiproxy:50053 python pytest", "does not listen on 50053"),
        (f"{RUN} -e GRPC_ADRESS=toxiproxy:50052 python pytest", "nobody reads GRPC_ADRESS"),
        (f"{RUN} python pytest --junit-xml=/tmp/x.xml", "/tmp/x.xml stays in the container"),
        (f"{RUN} python pytest --benchmark-json=x.json", "x.json stays in the container"),
        (f'{CURL}:8475/proxies/grpc/toxics -d \'{{"type":"timeout"}}\'', "port 8475"),
        (f'{CURL}:8474/proxies/http/toxics -d \'{{"type":"timeout"}}\'', "no proxy 'http'"),
        (f'{CURL}:8474/proxies/grpc/toxics -d \'{{"type":"poison"}}\'', "no toxic like"),
        (
            f'{CURL}:8474/proxies/grpc/toxics -d \'{{"type":"latency","attributes":{{"rate":1}}}}\'',
            "no toxic like",
        ),
        (f'{CURL}:8474/proxies -d \'{{"name":"grpc"}}\'', "adds no toxic"),
    ],
)
def test_a_command_that_names_what_is_not_there_is_found(command, fault):
    (found,) = faults_of_command(shlex.split(command))
    assert fault in found


def test_the_workflow_runs_when_what_it_tests_changes():
    started = workflow().get("on", workflow().get(True))  # YAML 1.1 takes the word for a boolean
    assert "pull_request" in started
    for pattern in started["push"]["paths"]:
        assert list(ROOT.glob(pattern.removesuffix("/**").replace("**.", "*."))), pattern


def test_each_job_waits_for_one_that_is_there():
    needs = {name: job.get("needs") for name, job in workflow()["jobs"].items()}
    assert needs == {
        "unit-tests": None,
        "integration-tests": "unit-tests",
        "performance-tests": "integration-tests",
        "chaos-tests": "integration-tests",
    }


def test_the_chaos_job_does_what_the_strategy_says():
    job = workflow()["jobs"]["chaos-tests"]
    said = "\n".join(step.get("run", "") for step in job["steps"])
    told = [json.loads(text) for text in re.findall(r"-d '([^']+)'", said)]
    assert job["if"] == "github.event_name == 'pull_request'"
    assert [(toxic["type"], toxic["attributes"]) for toxic in told] == [
        ("latency", {"latency": 100}),
        ("timeout", {"timeout": 500}),
    ]
    assert 0 < told[1]["toxicity"] < 1  # on every connection it would drop every byte for ever
    assert "-e GRPC_ADDR=toxiproxy:50052 python" in said
    assert "pytest tests/failure_modes -v -s" in said


@pytest.mark.parametrize(
    ("folder", "target"),
    [
        ("tests/unit", "unit"),
        ("tests/integration", "integration"),
        ("tests/e2e", "e2e"),
        ("tests/performance", "performance"),
        ("tests/failure_modes", "chaos"),
    ],
)
def test_what_the_jobs_run_in_containers_a_make_target_runs_without(folder, target):
    assert any(folder in words for words in commands())
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = re.search(rf"^{target}: .*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert recipe is not None
    texts = [recipe[1]]
    texts += [(ROOT / path).read_text("utf-8") for path in re.findall(r"scripts/\S+", recipe[1])]
    for module in re.findall(r"cd (test/\S+)", recipe[1]):
        texts += [file.read_text("utf-8") for file in (ROOT / module).glob("*_test.go")]
    assert any(folder in text for text in texts)


def test_requirements_test_is_what_the_workflow_and_the_image_install_and_make_build_too():
    asked = [words for words in commands() if "requirements-test.txt" in words]
    assert len(asked) == 1
    assert asked[0][:4] == ["python", "-m", "pip", "install"]
    wanted = [
        line
        for line in (ROOT / "requirements-test.txt").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    installed = (ROOT / "scripts/environment.sh").read_text("utf-8")
    for line in wanted:
        name = line.removeprefix("-e ")
        assert re.split("[<>=]", name)[0] in installed, f"make build does not install {line}"
    assert "./python[all,dev]" in " ".join(wanted)
    assert "requirements-test.txt" in (ROOT / "python/Dockerfile.test").read_text("utf-8")


def test_the_matrix_has_go_and_every_python_that_has_constraints():
    rows = workflow()["jobs"]["unit-tests"]["strategy"]["matrix"]["include"]
    pythons = {f"{row['python']}.txt" for row in rows if row["language"] == "python"}
    assert pythons == {file.name for file in (ROOT / "python/constraints").glob("3.*.txt")}
    assert [row for row in rows if row["language"] == "go"] == [{"language": "go"}]


def test_the_files_that_steps_take_exist_or_are_written_before():
    written = " ".join(step.get("run", "") for step in steps())
    for step in steps():
        given = step.get("with", {})
        for file in (given.get("go-version-file"), given.get("output-file-path")):
            if file:
                assert (ROOT / file).exists() or Path(file).name in written, file


@pytest.mark.parametrize("service", ["bridge", "python", "toxiproxy"])
def test_what_a_service_is_made_of_exists(service):
    description = services()[service]
    if "build" in description:
        context = ROOT / description["build"]["context"]
        assert (context / description["build"]["dockerfile"]).is_file()
    for volume in description.get("volumes", []):
        source = volume.split(":")[0].removeprefix("./")
        assert source in WRITTEN_BY_A_RUN or (ROOT / source).exists(), source
    for other, condition in description.get("depends_on", {}).items():
        assert condition["condition"] == "service_healthy"
        assert "healthcheck" in services()[other]


@pytest.mark.parametrize("service", ["bridge", "toxiproxy"])
def test_published_ports_are_the_ones_it_listens_on_and_of_this_host_only(service):
    for mapping in services()[service]["ports"]:
        host, container = host_and_container(mapping)
        assert mapping.startswith("127.0.0.1:"), mapping
        assert host == container
        assert container in listens_on(service), mapping


def test_no_port_of_this_host_is_published_twice():
    published = [
        host_and_container(mapping)[0]
        for description in services().values()
        for mapping in description.get("ports", [])
    ]
    assert sorted(published) == sorted(set(published))


def test_every_address_in_an_environment_is_a_services():
    found = 0
    for description in services().values():
        for variable in description.get("environment", []):
            address = AN_ADDRESS.fullmatch(variable.partition("=")[2])
            if address:
                found += 1
                assert address[2] in listens_on(address[1]), variable
    assert found > 0


def test_the_bridge_is_configured_by_a_fixture_that_listens_where_it_is_published():
    bridge = services()["bridge"]
    words = bridge["command"]
    config = words[words.index("--config") + 1]
    mounted = {volume.split(":")[1]: volume.split(":")[0] for volume in bridge["volumes"]}
    folder, name = config.rsplit("/", 1)
    fixture = yaml.safe_load((ROOT / mounted[folder] / name).read_text("utf-8"))
    asked = dict(variable.split("=") for variable in bridge["environment"])
    published = {host_and_container(mapping)[1] for mapping in bridge["ports"]}
    assert {asked["GRPC_PORT"], asked["HTTP_PORT"]} == published
    assert {fixture["grpc"], fixture["http"]} == {f"0.0.0.0:{port}" for port in published}
    assert {"serve", "--demo", "--memory", "--insecure-listen"} <= set(words)


def test_the_health_check_asks_where_the_bridge_listens():
    check = services()["bridge"]["healthcheck"]["test"]
    assert check[:3] == ["CMD", "grpcurl", "-plaintext"]
    assert check[3].rpartition(":")[2] in listens_on("bridge")
    assert "grpcurl" in (ROOT / "Dockerfile.test").read_text("utf-8")


def test_each_proxy_leads_to_a_service_and_is_published():
    proxies = json.loads(PROXIES.read_text("utf-8"))
    published = [host_and_container(mapping)[1] for mapping in services()["toxiproxy"]["ports"]]
    assert [proxy["name"] for proxy in proxies] == ["grpc"]
    for proxy in proxies:
        upstream, port = proxy["upstream"].split(":")
        assert port in listens_on(upstream)
        assert proxy["listen"].rpartition(":")[2] in published


def test_toxiproxy_reads_the_file_that_is_mounted():
    mounted = [volume.split(":")[1] for volume in services()["toxiproxy"]["volumes"]]
    assert [f"-config={path}" for path in mounted] == services()["toxiproxy"]["command"][1:]


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_what_a_dockerfile_copies_and_builds_exists(dockerfile):
    for name, rest in instructions(dockerfile):
        words = [word for word in rest.split() if not word.startswith("--")]
        if name == "COPY" and "--from" not in rest:
            assert all((ROOT / source).exists() for source in words[:-1]), rest
        if name == "RUN" and "go build" in rest:
            assert "CGO_ENABLED=0" in rest
            assert (ROOT / words[-1] / "main.go").exists(), rest


@pytest.mark.parametrize("dockerfile", ["Dockerfile", "Dockerfile.test"])
def test_the_bridges_image_serves_on_what_it_exposes_as_nobody(dockerfile):
    given = dict(instructions(dockerfile))
    words = json.loads(given["CMD"])
    assert words[0] == "serve"
    assert [words[words.index(flag) + 1] for flag in ("--grpc", "--http")] == [
        f"0.0.0.0:{port}" for port in exposed(dockerfile)
    ]
    assert "--insecure-listen" in words
    assert given["USER"] == "65532:65532"
    assert given["FROM"] == "scratch"


@pytest.mark.parametrize("dockerfile", ["Dockerfile", "Dockerfile.test"])
def test_every_flag_that_an_image_gives_the_bridge_is_one_of_its_flags(dockerfile):
    source = "\n".join(file.read_text("utf-8") for file in (ROOT / "cmd/toolbridge").glob("*.go"))
    words = [*json.loads(dict(instructions(dockerfile))["CMD"]), *services()["bridge"]["command"]]
    for word in words:
        if word.startswith("--"):
            field = word.removeprefix("--").replace("-", "")
            assert re.search(rf"^\s+{field}\s.*`.*help:", source, re.MULTILINE | re.IGNORECASE), (
                word
            )


def test_the_python_image_installs_what_is_pinned():
    given = dict(instructions("python/Dockerfile.test"))
    assert given["FROM"].startswith("python:")
    default = re.search(
        r"^ARG PYTHON=(.+)$", (ROOT / DOCKERFILES[2]).read_text("utf-8"), re.MULTILINE
    )
    assert default is not None
    assert (ROOT / "python/constraints" / f"{default[1]}.txt").exists()


def test_images_are_built_with_the_go_that_the_module_wants():
    wanted = re.search(r"^go (\d+\.\d+)", (ROOT / "go.mod").read_text("utf-8"), re.MULTILINE)
    assert wanted is not None
    for dockerfile in DOCKERFILES:
        assert f"FROM golang:{wanted[1]} AS build" in (ROOT / dockerfile).read_text("utf-8")

"""One sandbox for all tests that only read; one of its own for each test that writes."""

import pytest

from sandbox import Sandbox

ROLES = "all"


@pytest.fixture(scope="session")
def company(tmp_path_factory):
    """The invented company, which nobody changes."""
    sandbox = Sandbox(tmp_path_factory.mktemp("company"), "--users", "250", "--roles", ROLES)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def start(tmp_path):
    """Starts sandboxes with these arguments."""
    started = []

    def begin(*arguments):
        directory = tmp_path / str(len(started))
        directory.mkdir()
        started.append(Sandbox(directory, *arguments))
        return started[-1]

    yield begin
    for sandbox in started:
        sandbox.stop()


TENANT = """\
skus:
  - {sku: SPE_E5, enabled: 3}
  - {sku: SPE_E3, enabled: 10, not_in: [CN]}
  - {sku: SPE_F1, enabled: 10}
  - {sku: POWER_BI_PRO, enabled: 1}
  - {sku: VISIOCLIENT, enabled: 3}
  - {sku: PROJECTPROFESSIONAL, enabled: 10}
  - {sku: ENTERPRISEPACK, suspended: 5, status: Suspended}
  - {sku: SHAREPOINTSTORAGE, enabled: 10}
units:
  - {name: Germany}
  - {name: Board, restricted: true}
groups:
  - {name: Engineering, groups: [Platform]}
  - {name: Platform, groups: [Engineering]}
  - {name: LIC-Visio, licenses: [VISIOCLIENT]}
  - {name: LIC-Next}
  - {name: Council, hidden: true}
users:
  - {user_principal_name: ana@contoso.com, usage_location: DE, groups: [Engineering, Council], licenses: [SPE_E3], units: [Germany]}
  - {user_principal_name: ben@contoso.com, usage_location: DE, groups: [Platform, LIC-Visio], licenses: [VISIOCLIENT, SPE_E3]}
  - {user_principal_name: chi@contoso.com, groups: [LIC-Visio, LIC-Next]}
  - {user_principal_name: dev@contoso.com, usage_location: FR, enabled: false, licenses: [POWER_BI_PRO], groups: [LIC-Next]}
  - {user_principal_name: eve@contoso.com, usage_location: DE, obstacles: [address_taken]}
  - {user_principal_name: fay@contoso.com, usage_location: CN}
  - {user_principal_name: gus@contoso.com, usage_location: DE, units: [Board]}
"""


@pytest.fixture
def small(start, tmp_path):
    """A small tenant in which every situation has a name."""
    path = tmp_path / "tenant.yaml"
    path.write_text(TENANT)
    return start("--tenant", str(path), "--roles", ROLES)

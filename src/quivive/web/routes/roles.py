"""*Qui voit quoi*: every permission and the roles that hold it, for everybody to read.

Registered by `app.create_app`. Must never differ from what is enforced: it is made from the same table.
"""

from typing import Any

from litestar import Request, Response, get

from quivive.model.permission import ROLE_PERMISSIONS, Permission, Role
from quivive.web.guards import principal_of, requires
from quivive.web.pages import page


@get("/roles", opt=requires(Permission.PUBLIC_PAGE_READ), include_in_schema=False)
async def roles(request: Request[Any, Any, Any]) -> Response[str]:
    """What each role may do, and what every other one may."""
    principal = principal_of(request)
    groups: dict[str, list[Permission]] = {}
    for permission in Permission:
        if permission is not Permission.PUBLIC_PAGE_READ:
            groups.setdefault(permission.split(".")[0], []).append(permission)
    return page(
        request,
        "roles.html",
        roles=tuple(Role),
        mine=principal.roles if principal else (),
        groups=groups,
        holds=lambda role, permission: permission in ROLE_PERMISSIONS[role],
    )

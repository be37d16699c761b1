"""The elements of CSDL: what each may hold, and what is kept of it.

Source: docs.oasis-open.org, "OData Common Schema Definition Language (CSDL) XML Representation
Version 4.01"; for CSDL 1 to 3 odata.org, "Common Schema Definition Language (CSDL) V3".
"""

from collections.abc import Callable
from typing import TypeAlias

from creatio_async.protocol.odata.csdl import (
    Association,
    AssociationSet,
    Document,
    ImportElement,
    MetadataError,
    OperationElement,
    SetElement,
    TypeElement,
    as_dict,
    is_true,
    name_of,
)
from creatio_async.protocol.odata.descriptions import (
    described,
    of_navigation,
    of_property,
    of_type,
)

__all__ = ["NOTHING", "ROOT", "Steps"]

# The elements that one may hold, and what is done with each. A step returns the same for the
# element itself. What is not there is passed over, with all that it holds.
Steps: TypeAlias = "dict[str, Step]"
Step: TypeAlias = "Callable[[Document, list[str]], Steps]"

NOTHING: Steps = {}
"""All that an element holds is passed over."""


def _into(steps: Steps) -> Step:
    return lambda _document, _attributes: steps


def _include(document: Document, attributes: list[str]) -> Steps:
    given = as_dict(attributes)
    if "Alias" in given:
        document.aliases[given["Alias"]] = given.get("Namespace", "")
    return NOTHING


def _schema(document: Document, attributes: list[str]) -> Steps:
    document.namespaces.append(as_dict(attributes).get("Namespace", ""))
    _include(document, attributes)
    return _SCHEMA


def _type(document: Document, attributes: list[str], what: str) -> TypeElement:
    given = as_dict(attributes)
    return TypeElement(document.namespace, name_of(given, what), given)


def _entity_type(document: Document, attributes: list[str]) -> Steps:
    element = _type(document, attributes, "an EntityType")
    element.is_entity = True
    element.has_stream = is_true(element.given.get("HasStream") or _extra(attributes, "HasStream"))
    document.types.append(element)
    return _TYPE


def _extra(attributes: list[str], name: str) -> str:
    """Return an attribute of Microsoft's vocabulary for CSDL 1 to 3: ``m:HasStream``."""
    given = as_dict(attributes)
    return next((given[each] for each in given if each.endswith(f"/metadata {name}")), "")


def _complex_type(document: Document, attributes: list[str]) -> Steps:
    document.types.append(_type(document, attributes, "a ComplexType"))
    return _TYPE


def _key_property(document: Document, attributes: list[str]) -> Steps:
    document.types[-1].keys.append(name_of(as_dict(attributes), "a PropertyRef"))
    return NOTHING


def _property(document: Document, attributes: list[str]) -> Steps:
    document.types[-1].properties.append(document.facets(attributes))
    return _PROPERTY


def _navigation(document: Document, attributes: list[str]) -> Steps:
    document.types[-1].navigations.append(tuple(attributes))
    return _NAVIGATION


def _constraint(document: Document, attributes: list[str]) -> Steps:
    given, element = as_dict(attributes), document.types[-1]
    pair = given.get("Property", ""), given.get("ReferencedProperty", "")
    element.constraints.setdefault(len(element.navigations) - 1, []).append(pair)
    return NOTHING


def _enum_type(document: Document, attributes: list[str]) -> Steps:
    document.enums.append(_type(document, attributes, "an EnumType"))
    return _ENUM


def _member(document: Document, attributes: list[str]) -> Steps:
    document.enums[-1].properties.append(tuple(attributes))
    return NOTHING


def _of_enum(document: Document, key: str, words: str) -> None:
    document.enums[-1].given[key] = words


def _annotations(document: Document, attributes: list[str]) -> Steps:
    given = as_dict(attributes)
    document.target = given.get("Target", "")
    return NOTHING if "Qualifier" in given else _APART


def _of_target(document: Document, key: str, words: str) -> None:
    document.apart.append((document.target, key, words))


def _definition(document: Document, attributes: list[str]) -> Steps:
    document.definitions.append(_type(document, attributes, "a TypeDefinition"))
    return NOTHING


def _association(document: Document, attributes: list[str]) -> Steps:
    name = name_of(as_dict(attributes), "an Association")
    document.association = Association()
    document.associations[f"{document.namespace}.{name}"] = document.association
    return _ASSOCIATION


def _end(document: Document, attributes: list[str]) -> Steps:
    given = as_dict(attributes)
    kind = given.get("Type", "")
    role = given.get("Role") or kind.rpartition(".")[2]
    document.association.ends[role] = kind, given.get("Multiplicity", "")
    return NOTHING


def _principal(document: Document, attributes: list[str]) -> Steps:
    document.association.principal = as_dict(attributes).get("Role", "")
    return _PRINCIPAL


def _principal_property(document: Document, attributes: list[str]) -> Steps:
    document.association.principal_columns.append(name_of(as_dict(attributes), "a PropertyRef"))
    return NOTHING


def _dependent(document: Document, attributes: list[str]) -> Steps:
    document.association.dependent = as_dict(attributes).get("Role", "")
    return _DEPENDENT


def _dependent_property(document: Document, attributes: list[str]) -> Steps:
    document.association.dependent_columns.append(name_of(as_dict(attributes), "a PropertyRef"))
    return NOTHING


def _entity_set(document: Document, attributes: list[str]) -> Steps:
    given = as_dict(attributes)
    name = name_of(given, "an EntitySet")
    document.sets.append(SetElement(name, given.get("EntityType", ""), is_singleton=False))
    return _SET


def _singleton(document: Document, attributes: list[str]) -> Steps:
    given = as_dict(attributes)
    name = name_of(given, "a Singleton")
    document.sets.append(SetElement(name, given.get("Type", ""), is_singleton=True))
    return _SET


def _binding(document: Document, attributes: list[str]) -> Steps:
    given = as_dict(attributes)
    document.sets[-1].bindings[given.get("Path", "")] = given.get("Target", "")
    return NOTHING


def _association_set(document: Document, attributes: list[str]) -> Steps:
    name = as_dict(attributes).get("Association", "")
    document.association_sets.append(AssociationSet(name))
    return _ASSOCIATION_SET


def _set_end(document: Document, attributes: list[str]) -> Steps:
    given = as_dict(attributes)
    sets = document.association_sets[-1].sets
    if len(sets) == 2:
        raise MetadataError("an AssociationSet with more than two ends")
    sets[given.get("Role", "")] = given.get("EntitySet", "")
    return NOTHING


def _function(document: Document, attributes: list[str]) -> Steps:
    return _operation(document, attributes, is_action=False)


def _action(document: Document, attributes: list[str]) -> Steps:
    return _operation(document, attributes, is_action=True)


def _operation(document: Document, attributes: list[str], *, is_action: bool) -> Steps:
    given = as_dict(attributes)
    name = name_of(given, "an operation")
    bound = is_true(given.get("IsBound"))
    document.operations.append(OperationElement(document.namespace, name, is_action, bound))
    _returned_attribute(document, given)
    return _OPERATION


def _returned_attribute(document: Document, given: dict[str, str]) -> None:
    """Keep the result as CSDL 1 to 3 tell it: in an attribute of the operation."""
    if "ReturnType" in given:
        document.operations[-1].returns = ("Type", given["ReturnType"])


def _parameter(document: Document, attributes: list[str]) -> Steps:
    document.operations[-1].parameters.append(tuple(attributes))
    return NOTHING


def _return_type(document: Document, attributes: list[str]) -> Steps:
    document.operations[-1].returns = tuple(attributes)
    return NOTHING


def _function_import(document: Document, attributes: list[str]) -> Steps:
    given = as_dict(attributes)
    if "Function" in given:
        return _import(document, given, given["Function"])
    # CSDL 1 to 3: the import is the operation. Without a method it has side effects unless it
    # says that it has none.
    name = name_of(given, "a FunctionImport")
    method = _extra(attributes, "HttpMethod").upper()
    side_effects = given.get("IsSideEffecting", "true")
    is_action = method == "POST" if method else is_true(side_effects)
    bound = is_true(given.get("IsBindable"))
    document.operations.append(OperationElement(document.namespace, name, is_action, bound))
    _returned_attribute(document, given)
    if not bound:
        _import(document, given, f"{document.namespace}.{name}")
    return _OPERATION


def _action_import(document: Document, attributes: list[str]) -> Steps:
    given = as_dict(attributes)
    return _import(document, given, given.get("Action", ""))


def _import(document: Document, given: dict[str, str], operation: str) -> Steps:
    name = name_of(given, "an import")
    document.imports.append(ImportElement(name, operation, given.get("EntitySet", "")))
    return NOTHING


_TYPE: Steps = {
    "Key": _into({"PropertyRef": _key_property}),
    "Property": _property,
    "NavigationProperty": _navigation,
    **described(of_type),
}
_PROPERTY = described(of_property)
_NAVIGATION: Steps = {"ReferentialConstraint": _constraint, **described(of_navigation)}
_ENUM: Steps = {"Member": _member, **described(_of_enum)}
_APART = described(_of_target)
_PRINCIPAL: Steps = {"PropertyRef": _principal_property}
_DEPENDENT: Steps = {"PropertyRef": _dependent_property}
_ASSOCIATION: Steps = {
    "End": _end,
    "ReferentialConstraint": _into({"Principal": _principal, "Dependent": _dependent}),
}
_SET: Steps = {"NavigationPropertyBinding": _binding}
_ASSOCIATION_SET: Steps = {"End": _set_end}
_OPERATION: Steps = {"Parameter": _parameter, "ReturnType": _return_type}
_CONTAINER: Steps = {
    "EntitySet": _entity_set,
    "Singleton": _singleton,
    "AssociationSet": _association_set,
    "FunctionImport": _function_import,
    "ActionImport": _action_import,
}
_SCHEMA: Steps = {
    "EntityType": _entity_type,
    "ComplexType": _complex_type,
    "EnumType": _enum_type,
    "TypeDefinition": _definition,
    "Association": _association,
    "EntityContainer": _into(_CONTAINER),
    "Function": _function,
    "Action": _action,
    "Annotations": _annotations,
}
ROOT: Steps = {
    "Edmx": _into({
        "Reference": _into({"Include": _include}),
        "DataServices": _into({"Schema": _schema}),
    }),
}

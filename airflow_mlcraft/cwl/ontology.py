"""Relations of file formats in a document's `$schemas`, which are stored with the tools of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_mlcraft.cwl.plan import Json

if TYPE_CHECKING:
    from rdflib import Graph

ONTOLOGY = "mlcraft:ontology"
"""The field of a tool that has the relations, or in the cache their digest."""

_CWL_NAMESPACE = "https://w3id.org/cwl/"


def extract_relations(graph: Graph) -> list[Json]:
    """The relations that cwltool needs to compare formats.

    Nodes without a name are left out: they are no formats, and get other names each time.
    """
    from rdflib import OWL, RDFS, URIRef

    triples = [
        [str(part) for part in triple]
        for relation in (RDFS.subClassOf, OWL.equivalentClass)
        for triple in graph.triples((None, relation, None))
        if all(isinstance(part, URIRef) for part in triple)
    ]
    return sorted(triple for triple in triples if not triple[0].startswith(_CWL_NAMESPACE))


def build_graph(relations: list[Json]) -> Graph:
    """The inverse of `relations_of`."""
    from rdflib import Graph, URIRef

    graph = Graph()
    for subject, relation, other in relations:
        graph.add((URIRef(subject), URIRef(relation), URIRef(other)))
    return graph

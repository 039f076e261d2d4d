"""What a signature's graph does beyond computing its answer: whether it keeps state, and whether it loops."""

from typing import NamedTuple

from tensorflow.python.framework import op_def_registry

LOOPS = {"While", "StatelessWhile", "For", "Enter", "RefEnter"}
# Judged by the functions they call.
CALLS = {
    "PartitionedCall", "StatefulPartitionedCall", "While", "StatelessWhile", "If", "StatelessIf", "Case",
    "StatelessCase", "For", "SymbolicGradient",
}  # fmt: skip
# TensorFlow counts these as stateful, but all they do is read what was there, or check it.
READS = {
    "Assert", "VarHandleOp", "ReadVariableOp", "VarIsInitializedOp", "VariableShape", "ResourceGather",
    "ResourceGatherNd", "Variable", "VariableV2", "IsVariableInitialized",
    "HashTable", "HashTableV2", "AnonymousHashTable", "MutableHashTableV2", "MutableHashTableOfTensorsV2",
    "MutableDenseHashTableV2", "LookupTableFind", "LookupTableFindV2", "LookupTableSize", "LookupTableSizeV2",
    "LookupTableExportV2",
    "WordpieceTokenizeWithOffsets", "SentencepieceOp", "SentencepieceTokenizeOp",
    "SentencepieceTokenizeWithOffsetsOp", "SentencepieceDetokenizeOp", "SentencepieceIdToStringOp",
    "SentencepieceStringToIdOp", "SentencepieceVocabSizeOp",
}  # fmt: skip


class Traits(NamedTuple):
    """What running a graph involves.

    Args:
        is_stateful: Whether one run can change the answer of another, or says more than its outputs do.
        has_loops: Whether it loops.
    """

    is_stateful: bool = False
    has_loops: bool = False

    def __or__(self, other):
        return Traits(self.is_stateful or other.is_stateful, self.has_loops or other.has_loops)


def missing_ops(graph_def):
    """List the operations of a graph that TensorFlow has not registered in this process."""
    functions = {function.signature.name for function in graph_def.library.function}
    used = {node.op for node in graph_def.node}
    used.update(node.op for function in graph_def.library.function for node in function.node_def)
    return sorted(op for op in used - functions if op_def_registry.get(op) is None)


class GraphReader:
    """Answers questions on the parts of one graph.

    Args:
        graph_def: A `GraphDef`.
    """

    def __init__(self, graph_def):
        self._nodes = {node.name: node for node in graph_def.node}
        self._functions = {function.signature.name: function for function in graph_def.library.function}
        self._known = {}

    def traits(self, inputs, outputs):
        """Judge what is between a signature's inputs and its outputs.

        Args:
            inputs: Names of the tensors that are fed.
            outputs: Names of the tensors that are fetched.

        Returns:
            `Traits`.
        """
        # A fed tensor's node is not run; one with a second output, which is not fed, is.
        fed, seen, traits = {_with_index(name) for name in inputs}, set(), Traits()
        waiting = [name for name in map(_with_index, outputs) if name not in fed]
        while waiting:
            name = waiting.pop().lstrip("^").rpartition(":")[0]
            if name in seen or name not in self._nodes:
                continue
            seen.add(name)
            node = self._nodes[name]
            traits |= self._of_node(node)
            waiting += [tensor for tensor in map(_with_index, node.input) if tensor not in fed]
        return traits

    def _of_node(self, node):
        traits = Traits(has_loops=node.op in LOOPS)
        if node.op in self._functions:
            return self._of_function(node.op)
        if node.op not in CALLS:
            return traits | Traits(is_stateful=_keeps_state(node.op))
        for attribute in node.attr.values():
            for called in [attribute.func, *attribute.list.func]:
                if called.name:
                    traits |= self._of_function(called.name)
        return traits

    def _of_function(self, name):
        if name not in self._known:
            # What a function that calls itself does is found by its other nodes.
            self._known[name] = Traits()
            function = self._functions.get(name)
            traits = Traits(is_stateful=function is None)
            for node in function.node_def if function is not None else ():
                traits |= self._of_node(node)
            self._known[name] = traits
        return self._known[name]


def _with_index(name):
    return name if ":" in name else f"{name}:0"


def _keeps_state(op):
    if op in READS:
        return False
    definition = op_def_registry.get(op)
    # TensorFlow 1's assignments are not marked: they are known by what they take a reference to.
    return definition is None or definition.is_stateful or any(argument.is_ref for argument in definition.input_arg)

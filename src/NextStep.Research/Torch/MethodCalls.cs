using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace NextStep.Research;

/// <summary>One call in an assembly: who calls whom, both as <c>Namespace.Type+Nested::Method(Parameters)Result</c>, and the source line if there is a .pdb.</summary>
internal readonly record struct MethodCall(string Caller, string Callee, string? File, int Line);

/// <summary>The calls that the methods of an assembly make, read from its file; nothing is loaded or run (ECMA-335, II.22 and III).</summary>
internal sealed class MethodCalls : IDisposable
{
    private static readonly OpCode[] Short = new OpCode[256], Long = new OpCode[256];

    private readonly PEReader _file;
    private readonly MetadataReader _metadata;
    private readonly MetadataReaderProvider? _symbols;
    private readonly TypeNames _names = new();

    static MethodCalls()
    {
        foreach (FieldInfo field in typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static))
        {
            OpCode code = (OpCode)field.GetValue(null)!;
            (code.Size == 1 ? Short : Long)[code.Value & 0xff] = code;
        }
    }

    /// <summary>Opens an assembly and the portable .pdb beside it, if any.</summary>
    public MethodCalls(string path)
    {
        _file = new PEReader(File.OpenRead(path));
        _metadata = _file.GetMetadataReader();
        string symbols = Path.ChangeExtension(path, ".pdb");
        _symbols = File.Exists(symbols) ? MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(symbols)) : null;
    }

    /// <summary>Every call, constructor call and method taken as a delegate.</summary>
    public IEnumerable<MethodCall> All()
    {
        foreach (MethodDefinitionHandle method in _metadata.MethodDefinitions)
        {
            string? caller = null;
            foreach ((int offset, EntityHandle target) in Targets(method))
            {
                if (Name(target) is { } callee)
                {
                    (string? file, int line) = Place(method, offset);
                    yield return new MethodCall(caller ??= Name(method)!, callee, file, line);
                }
            }
        }
    }

    /// <summary>Every method, by the same names.</summary>
    public IEnumerable<string> Methods() => _metadata.MethodDefinitions.Select(m => Name(m)!);

    /// <summary>The base type's name by the type's name.</summary>
    public Dictionary<string, string> BaseTypes() => _metadata.TypeDefinitions
        .Where(t => !_metadata.GetTypeDefinition(t).BaseType.IsNil)
        .ToDictionary(t => _names.Of(_metadata, t), t => _names.Of(_metadata, _metadata.GetTypeDefinition(t).BaseType));

    /// <inheritdoc/>
    public void Dispose()
    {
        _symbols?.Dispose();
        _file.Dispose();
    }

    private IEnumerable<(int Offset, EntityHandle Target)> Targets(MethodDefinitionHandle method)
    {
        int address = _metadata.GetMethodDefinition(method).RelativeVirtualAddress;
        byte[] code = address == 0 ? [] : _file.GetMethodBody(address).GetILBytes() ?? [];
        for (int i = 0; i < code.Length;)
        {
            int start = i;
            OpCode operation = code[i++] == 0xfe ? Long[code[i++]] : Short[code[i - 1]];
            if (operation.OperandType is OperandType.InlineMethod or OperandType.InlineTok)
            {
                yield return (start, MetadataTokens.EntityHandle(BitConverter.ToInt32(code, i)));
            }
            i += operation.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, i)),
                _ => 4,
            };
        }
    }

    private string? Name(EntityHandle method)
    {
        switch (method.Kind)
        {
            case HandleKind.MethodDefinition:
                MethodDefinition own = _metadata.GetMethodDefinition((MethodDefinitionHandle)method);
                return Name(own.GetDeclaringType(), own.Name, own.DecodeSignature(_names, null));
            case HandleKind.MethodSpecification:
                return Name(_metadata.GetMethodSpecification((MethodSpecificationHandle)method).Method);
            case HandleKind.MemberReference:
                MemberReference other = _metadata.GetMemberReference((MemberReferenceHandle)method);
                return other.GetKind() == MemberReferenceKind.Method ? Name(other.Parent, other.Name, other.DecodeMethodSignature(_names, null)) : null;
            default:
                return null;
        }
    }

    private string Name(EntityHandle type, StringHandle name, MethodSignature<string> signature) =>
        $"{_names.Of(_metadata, type)}::{_metadata.GetString(name)}({string.Join(", ", signature.ParameterTypes)}){signature.ReturnType}";

    private (string? File, int Line) Place(MethodDefinitionHandle method, int offset)
    {
        if (_symbols is null)
        {
            return (null, 0);
        }
        MetadataReader symbols = _symbols.GetMetadataReader();
        SequencePoint? point = symbols.GetMethodDebugInformation(method.ToDebugInformationHandle()).GetSequencePoints()
            .Where(p => p.Offset <= offset && !p.IsHidden).Select(p => (SequencePoint?)p).LastOrDefault();
        return point is { } found ? (symbols.GetString(symbols.GetDocument(found.Document).Name), found.StartLine) : (null, 0);
    }

    /// <summary>Types as text, the same for a definition and for a reference to it.</summary>
    private sealed class TypeNames : ISignatureTypeProvider<string, object?>
    {
        public string Of(MetadataReader reader, EntityHandle type) => type.Kind switch
        {
            HandleKind.TypeDefinition => GetTypeFromDefinition(reader, (TypeDefinitionHandle)type, 0),
            HandleKind.TypeReference => GetTypeFromReference(reader, (TypeReferenceHandle)type, 0),
            HandleKind.TypeSpecification => GetTypeFromSpecification(reader, null, (TypeSpecificationHandle)type, 0).Split('<')[0],
            _ => "?",
        };

        public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            TypeDefinition type = reader.GetTypeDefinition(handle);
            TypeDefinitionHandle outer = type.GetDeclaringType();
            return Join(outer.IsNil ? null : Of(reader, outer), reader.GetString(type.Namespace), reader.GetString(type.Name));
        }

        public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind)
        {
            TypeReference type = reader.GetTypeReference(handle);
            bool nested = type.ResolutionScope.Kind == HandleKind.TypeReference;
            return Join(nested ? Of(reader, type.ResolutionScope) : null, reader.GetString(type.Namespace), reader.GetString(type.Name));
        }

        public string GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

        public string GetArrayType(string elementType, ArrayShape shape) => $"{elementType}[{new string(',', shape.Rank - 1)}]";

        public string GetByReferenceType(string elementType) => elementType + "&";

        public string GetFunctionPointerType(MethodSignature<string> signature) => "function";

        public string GetGenericInstantiation(string genericType, ImmutableArray<string> typeArguments) => $"{genericType}<{string.Join(", ", typeArguments)}>";

        public string GetGenericMethodParameter(object? genericContext, int index) => $"!!{index}";

        public string GetGenericTypeParameter(object? genericContext, int index) => $"!{index}";

        public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) => unmodifiedType;

        public string GetPinnedType(string elementType) => elementType;

        public string GetPointerType(string elementType) => elementType + "*";

        public string GetPrimitiveType(PrimitiveTypeCode typeCode) => typeCode.ToString();

        public string GetSZArrayType(string elementType) => elementType + "[]";

        private static string Join(string? outer, string space, string name) =>
            outer is not null ? $"{outer}+{name}" : space.Length > 0 ? $"{space}.{name}" : name;
    }
}

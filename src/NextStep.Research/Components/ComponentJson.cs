using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace NextStep.Research;

/// <summary>Components in JSON as in experiment files: a name with its defaults, or an object with <c>type</c> and the options.</summary>
internal sealed class ComponentJson : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) => typeToConvert.IsAbstract && typeof(ComponentConfig).IsAssignableFrom(typeToConvert);

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(Converter<>).MakeGenericType(typeToConvert))!;

    private sealed class Converter<T> : JsonConverter<T>
        where T : ComponentConfig
    {
        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            JsonNode? node = JsonNode.Parse(ref reader);
            string? name = node switch
            {
                JsonValue value when value.TryGetValue(out string? text) => text,
                JsonObject { Count: > 0 } with when with["type"] is JsonValue value && value.TryGetValue(out string? text) => text,
                _ => null,
            };
            Type type = ComponentCatalog.Find(typeToConvert, name ?? "") ?? throw new JsonException(
                $"there is no {ComponentNames.OfSeam(typeToConvert)} {(name is null ? node?.ToJsonString() ?? "null" : $"'{name}'")}; there are {string.Join(", ", ComponentCatalog.Of(typeToConvert).Select(ComponentCatalog.NameOf))}; bring a component of your own with --uses FILE");
            if (node is JsonObject whole)
            {
                whole.Remove("type");
                return (T)whole.Deserialize(type, options)!;
            }
            return (T)Activator.CreateInstance(type)!;
        }

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
        {
            JsonObject whole = (JsonObject)JsonSerializer.SerializeToNode(value, value.GetType(), options)!;
            if (whole.Count == 0)
            {
                writer.WriteStringValue(ComponentCatalog.NameOf(value.GetType()));
                return;
            }
            whole.Insert(0, "type", ComponentCatalog.NameOf(value.GetType()));
            whole.WriteTo(writer, options);
        }
    }
}
